"""What domains that list their values have in common."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..errors import DomainError, nearest


if TYPE_CHECKING:
    from collections.abc import Sequence

    from .domain import Domain

__all__ = ["as_choices", "is_same", "label", "place_of", "plain_choices", "shown"]

#: What JSON can write, besides lists of these.
_SCALARS = (str, int, float, bool, type(None))


def as_choices(given: Any) -> tuple[Any, ...]:
    """
    Return the choices of a domain, lists among them as tuples.

    Raises:
        DomainError: If there are none, or one is there twice.
    """
    if isinstance(given, (str, bytes)) or not hasattr(given, "__iter__"):
        raise DomainError(f"choices must be several values, as in [{given!r}]; got {given!r}.")
    choices = tuple(_frozen(value) for value in given)
    if not choices:
        raise DomainError("choices must hold at least one value, got none.")
    for number, value in enumerate(choices):
        if any(is_same(value, other) for other in choices[:number]):
            raise DomainError(f"choices must differ from each other; {value!r} is there twice.")
    return choices


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, (list, tuple)) else value


def is_same(one: Any, other: Any) -> bool:
    """Whether two values are one choice; 8, 8.0 and True are three."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        pairs = zip(one, other, strict=False)
        return len(one) == len(other) and all(is_same(a, b) for a, b in pairs)
    return type(one) is type(other) and bool(one == other or (one != one and other != other))  # noqa: PLR0124


def place_of(domain: Domain, choices: Sequence[Any], value: Any) -> int:
    """
    Return where *value* is among *choices*.

    Raises:
        DomainError: If it is not there.
    """
    frozen = _frozen(value)
    for number, choice in enumerate(choices):
        if is_same(choice, frozen):
            return number
    hint = nearest(value, [c for c in choices if isinstance(c, str)]) if _is_text(value) else ""
    raise DomainError(f"must be {domain}, got {value!r}.{hint}")


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def shown(choices: Sequence[Any], most: int = 8) -> str:
    """Return the choices for a message."""
    told = [repr(choice) for choice in choices]
    if len(told) > most:
        told[most // 2 : -most // 2] = ["..."]
    return ", ".join(told)


def label(choice: Any) -> str:
    """Return the word that names of parameters have for *choice*: its text, or its JSON."""
    return choice if isinstance(choice, str) else json.dumps(choice, default=str)


def plain_choices(choices: Sequence[Any]) -> list[Any]:
    """
    Return the choices as JSON has them.

    Raises:
        DomainError: If one can't be written.
    """
    return [_plain(choice) for choice in choices]


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(inner) for inner in value]
    if type(value) not in _SCALARS:
        raise DomainError(
            f"only text, numbers, booleans, None and lists of these can be written as JSON; "
            f"{value!r} is a {type(value).__name__}. Offer names, and look the objects up by them."
        )
    return value
