"""One of several values without an order, each of which may bring further parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, final

import attrs

from ..errors import DomainError
from .bounds import check_default
from .choices import as_choices, is_same, label, place_of, plain_choices, shown
from .domain import UNSET, Domain, Unset


if TYPE_CHECKING:
    import random

__all__ = ["Categorical"]


@final
@attrs.frozen
class Categorical(Domain):
    """
    One of *choices*, which have no order.

    Args:
        choices: At least one value; each once. What is to be written as JSON is text, a number, a
            boolean, ``None`` or a tuple of these.

        when: Parameters that exist only beside a choice: the choice, and its domains by name. The
            parameter ``momentum`` beside the choice ``"sgd"`` of ``optimizer`` is called
            ``optimizer.sgd.momentum``.

        default: Where to start; the first if left out.

    Raises:
        DomainError: If there is no choice or one is there twice, *when* names what is no choice,
            or *default* is none.

    Example:
        >>> optimizer = Categorical(["sgd", "adam"], when={"sgd": {"momentum": Float(0, 0.99)}})
        >>> optimizer.under("sgd")
        {'momentum': Float(low=0.0, high=0.99, step=None, log=False)}
    """

    type: ClassVar[str] = "categorical"

    choices: tuple[Any, ...] = attrs.field(converter=as_choices)
    when: Mapping[Any, Mapping[str, Domain]] = attrs.field(factory=dict, kw_only=True, hash=False)
    _default: Any = attrs.field(default=UNSET, kw_only=True, alias="default")

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.when, Mapping):
            raise DomainError(
                f"Categorical: when must be a mapping of choices to their parameters, "
                f"got {self.when!r}."
            )
        for option in self.when:
            try:
                self.index(option)
            except DomainError as error:
                raise DomainError(f"Categorical: each key of when {error}") from None
        check_default(self, self._default)

    @property
    def size(self) -> int:
        return len(self.choices)

    @property
    def default(self) -> Any:
        return self.choices[0] if isinstance(self._default, Unset) else self._default

    def at(self, index: int) -> Any:
        return self.choices[self._place(index)]

    def index(self, value: Any) -> int:
        return place_of(self, self.choices, value)

    def read(self, value: Any) -> Any:
        return self.choices[self.index(value)]

    def sample(self, rng: random.Random) -> Any:
        return self.at(rng.randrange(self.size))

    def under(self, value: Any) -> Mapping[str, Domain]:
        for option, domains in self.when.items():
            if is_same(option, value):
                return domains
        return {}

    def to_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = {"type": self.type, "choices": plain_choices(self.choices)}
        if self.when:
            found["when"] = {
                label(option): {name: domain.to_dict() for name, domain in domains.items()}
                for option, domains in self.when.items()
            }
        if not isinstance(self._default, Unset):
            found["default"] = plain_choices([self._default])[0]
        return found

    def __str__(self) -> str:
        return f"one of {shown(self.choices)}"
