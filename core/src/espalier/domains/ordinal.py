"""One of several values in a given order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, final

import attrs

from .bounds import check_default
from .choices import as_choices, place_of, plain_choices, shown
from .domain import UNSET, Domain, Unset


if TYPE_CHECKING:
    import random

__all__ = ["Ordinal"]


@final
@attrs.frozen
class Ordinal(Domain):
    """
    One of *choices*, whose neighbours are alike: sizes, or ``["small", "medium", "large"]``.

    Args:
        choices: At least one value, in order; each once.

        default: Where to start; the middle one if left out.

    Raises:
        DomainError: If there is no choice, one is there twice, or *default* is none.

    Example:
        >>> Ordinal([16, 32, 64]).index(32)
        1
    """

    type: ClassVar[str] = "ordinal"

    choices: tuple[Any, ...] = attrs.field(converter=as_choices)
    _default: Any = attrs.field(default=UNSET, kw_only=True, alias="default")

    def __attrs_post_init__(self) -> None:
        check_default(self, self._default)

    @property
    def size(self) -> int:
        return len(self.choices)

    @property
    def default(self) -> Any:
        if isinstance(self._default, Unset):
            return self.choices[(self.size - 1) // 2]
        return self._default

    def at(self, index: int) -> Any:
        return self.choices[self._place(index)]

    def index(self, value: Any) -> int:
        return place_of(self, self.choices, value)

    def read(self, value: Any) -> Any:
        return self.choices[self.index(value)]

    def sample(self, rng: random.Random) -> Any:
        return self.at(rng.randrange(self.size))

    def to_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = {"type": self.type, "choices": plain_choices(self.choices)}
        if not isinstance(self._default, Unset):
            found["default"] = plain_choices([self._default])[0]
        return found

    def __str__(self) -> str:
        return f"one of {shown(self.choices)}"
