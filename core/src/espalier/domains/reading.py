"""Make domains of what people write: plain data, lists of choices, hparams."""

from __future__ import annotations

import inspect
import numbers
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import DomainError, nearest
from ..hparams import Hparam
from .categorical import Categorical
from .constant import Constant
from .domain import Domain
from .fixed_list import FixedList
from .float import Float
from .integer import Integer
from .ordinal import Ordinal


if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["domain_of"]

_KINDS: dict[str, Callable[..., Domain]] = {
    kind.type: kind for kind in (Integer, Float, Categorical, Ordinal, Constant, FixedList)
}


def domain_of(given: Any, name: str) -> Domain:
    """
    Return the domain that *given* stands for.

    Args:
        given: A domain; the plain data of one; a list of choices, for a `Categorical`; or an
            hparam, whose choices are an `Ordinal` if they are numbers.

        name: The parameter's name, for messages.

    Raises:
        DomainError: If it is none of these, or breaks a rule.
    """
    try:
        if isinstance(given, Domain):
            return given
        if isinstance(given, Hparam):
            return _of_hparam(given)
        if isinstance(given, Mapping):
            return _of_plain(given, name)
        if isinstance(given, (list, tuple)):
            return Categorical(given)
    except DomainError as error:
        raise _within(error, name) from None
    raise DomainError(
        f"{name}: must be a domain like Float(0, 1), a list of choices, an Hparam or a mapping "
        f"like {{'type': 'float', 'low': 0, 'high': 1}}; got {given!r}. A value that is not "
        f"searched is a Constant."
    )


def _within(error: DomainError, name: str) -> DomainError:
    """Return *error* with the name of the parameter in front, once."""
    text = str(error)
    told = text.startswith((f"{name}: ", f"{name}.", f"{name}["))
    return error if told else DomainError(f"{name}: {text}")


def _of_hparam(hparam: Hparam) -> Domain:
    choices = hparam.choices
    default = hparam.original if hparam.offers(hparam.original) else choices[-1]
    if all(isinstance(c, numbers.Real) and not isinstance(c, bool) for c in choices):
        return Ordinal(choices, default=default)
    return Categorical(choices, default=default)


def _of_plain(given: Mapping[str, Any], name: str) -> Domain:
    kind = given.get("type")
    if not isinstance(kind, str) or kind not in _KINDS:
        hint = nearest(kind, _KINDS) if isinstance(kind, str) else ""
        raise DomainError(f"type must be one of {', '.join(_KINDS)}; got {kind!r}.{hint}")
    fields = {key: value for key, value in given.items() if key != "type"}
    make = _KINDS[kind]
    known = inspect.signature(make).parameters
    for field in fields:
        if field not in known:
            hint = nearest(str(field), known)
            raise DomainError(f"{field!r} is no field of {kind}.{hint} It has {', '.join(known)}.")
    for field, parameter in known.items():
        if parameter.default is parameter.empty and field not in fields:
            raise DomainError(f"{kind} needs {field!r}; got {', '.join(fields) or 'nothing'}.")
    if kind == FixedList.type:
        fields["items"] = _items(fields["items"], name)
    return make(**fields)


def _items(given: Any, name: str) -> Any:
    if not isinstance(given, (list, tuple)):
        return given
    return [domain_of(item, f"{name}[{number}]") for number, item in enumerate(given)]
