"""A value that is not searched, but belongs to every configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, final

import attrs

from .choices import frozen, identity, place_of, places_of, plain
from .domain import Choose, Domain


if TYPE_CHECKING:
    import random

__all__ = ["Constant"]


@final
@attrs.frozen(repr=False)
class Constant(Domain):
    """
    One value, which no sampler is asked for.

    Args:
        value: What every configuration holds.

    Example:
        >>> Constant("sgd").size
        1
    """

    type: ClassVar[str] = "constant"

    value: Any = attrs.field(converter=frozen, eq=identity)

    @property
    def size(self) -> int:
        return 1

    @property
    def default(self) -> Any:
        return self.value

    def at(self, index: int) -> Any:
        self._place(index)
        return self.value

    def index(self, value: Any) -> int:
        own = (self.value,)
        return place_of(self, own, places_of(own), value)

    def read(self, value: Any) -> Any:
        self.index(value)
        return self.value

    def sample(self, rng: random.Random) -> Any:
        del rng
        return self.value

    def decide(self, name: str, choose: Choose) -> Any:
        del name, choose
        return self.value

    def parts(self, name: str, value: Any) -> dict[str, Any]:
        del name, value
        return {}

    def to_dict(self) -> dict[str, Any]:
        return {"type": self.type, "value": plain(self.value)}

    def __str__(self) -> str:
        return repr(self.value)
