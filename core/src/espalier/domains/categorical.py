"""One of several values without an order, each of which may bring further parameters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, ClassVar, final

import attrs

from ..errors import DomainError
from .choices import label
from .domain import UNSET, Domain
from .listed import Listed


__all__ = ["Categorical"]


@final
@attrs.frozen(repr=False)
class Categorical(Listed):
    """
    One of *choices*, which have no order.

    Args:
        choices: At least one value; each once. What is to be written as JSON is text, a number, a
            boolean, ``None`` or a tuple of these.

        when: Parameters that exist only beside a choice: the choice, or its text or JSON, and
            its domains by name. The parameter ``momentum`` beside the choice ``"sgd"`` of
            ``optimizer`` is called ``optimizer.sgd.momentum``. Kept by text.

        default: Where to start; the first if left out.

    Raises:
        DomainError: If there is no choice or one is there twice, *when* names what is no choice
            or what two are called, or *default* is none.

    Example:
        >>> from espalier import Float
        >>> optimizer = Categorical(["sgd", "adam"], when={"sgd": {"momentum": Float(0, 0.99)}})
        >>> optimizer.under("sgd")
        {'momentum': Float(0.0, 0.99)}
    """

    type: ClassVar[str] = "categorical"

    when: Mapping[Any, Mapping[str, Domain]] = attrs.field(factory=dict, kw_only=True, hash=False)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        object.__setattr__(self, "when", _by_label(self, self.when))

    @property
    def default(self) -> Any:
        return self.choices[0] if self._default is UNSET else self._default

    def under(self, value: Any) -> Mapping[str, Domain]:
        return self.when.get(label(self.read(value)), {}) if self.when else {}

    def to_dict(self) -> dict[str, Any]:
        found = super().to_dict()
        if self.when:
            found["when"] = {
                option: {name: domain.to_dict() for name, domain in domains.items()}
                for option, domains in self.when.items()
            }
        return found


def _by_label(domain: Categorical, given: Any) -> dict[str, dict[str, Domain]]:
    """Return what is under each choice, by its label, in the order of the choices."""
    from .reading import domain_of

    if not isinstance(given, Mapping) or not all(isinstance(v, Mapping) for v in given.values()):
        raise DomainError(
            f"Categorical: when must map choices to their parameters by name, as in "
            f"{{'sgd': {{'momentum': ...}}}}; got {given!r}."
        )
    counts = Counter(map(label, domain.choices))
    found: dict[str, dict[str, Domain]] = {}
    for option, domains in given.items():
        name = _label_of(domain, option, counts)
        if name in found:
            raise DomainError(f"Categorical: when names the choice {name!r} twice.")
        found[name] = {inner: domain_of(one, f"{name}.{inner}") for inner, one in domains.items()}
    return {name: found[name] for name in counts if found.get(name)}


def _label_of(domain: Categorical, option: Any, counts: Counter[str]) -> str:
    """Return the label of the one choice that *option* stands for."""
    name = label(option)
    if name not in counts or (option not in domain and not isinstance(option, str)):
        try:
            domain.read(option)
        except DomainError as error:
            raise DomainError(f"Categorical: each key of when {error}") from None
    if counts[name] > 1:
        clash = ", ".join(repr(choice) for choice in domain.choices if label(choice) == name)
        raise DomainError(
            f"Categorical: choices with parameters of their own must differ as text, too; {clash} "
            f"are all called {name!r}. Rename one."
        )
    return name
