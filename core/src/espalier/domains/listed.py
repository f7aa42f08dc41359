"""A domain that lists its values, in any order or in a given one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from .bounds import check_default
from .choices import as_choices, frozen, identity, place_of, places_of, plain, shown
from .domain import UNSET, Domain


if TYPE_CHECKING:
    import random

__all__ = ["Listed"]


def _as_given(given: Any) -> tuple[Any, ...]:
    return given


@attrs.frozen(repr=False)
class Listed(Domain):
    """
    One of *choices*.

    Args:
        choices: At least one value; each once.

        default: Where to start.

    Raises:
        DomainError: If there is no choice, one is there twice, or *default* is none.
    """

    choices: tuple[Any, ...] = attrs.field(converter=_as_given, eq=identity)
    _default: Any = attrs.field(
        default=UNSET, kw_only=True, alias="default", converter=frozen, eq=identity
    )
    _places: dict[Any, int] | None = attrs.field(init=False, eq=False)

    def __attrs_post_init__(self) -> None:
        choices = as_choices(type(self).__name__, self.choices)
        object.__setattr__(self, "choices", choices)
        object.__setattr__(self, "_places", places_of(choices))
        check_default(self, self._default)

    @property
    def size(self) -> int:
        return len(self.choices)

    def at(self, index: int) -> Any:
        return self.choices[self._place(index)]

    def index(self, value: Any) -> int:
        return place_of(self, self.choices, self._places, value)

    def read(self, value: Any) -> Any:
        return self.choices[self.index(value)]

    def sample(self, rng: random.Random) -> Any:
        return self.choices[rng.randrange(len(self.choices))]

    def to_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = {"type": self.type, "choices": [plain(c) for c in self.choices]}
        if self._default is not UNSET:
            found["default"] = plain(self._default)
        return found

    def __str__(self) -> str:
        return f"one of {shown(self.choices)}"
