"""Several values in a row, each from a domain of its own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, final

import attrs

from ..errors import DomainError
from .bounds import is_integer
from .choices import frozen
from .domain import Choose, Domain


if TYPE_CHECKING:
    import random

__all__ = ["FixedList"]


def _as_items(given: Any) -> tuple[Domain, ...]:
    items = tuple(given) if isinstance(given, (list, tuple)) else ()
    if not items or not all(isinstance(item, Domain) for item in items):
        raise DomainError(f"FixedList: items must be a list of domains, got {given!r}.")
    for item in items:
        if _is_conditional(item):
            raise DomainError(
                f"FixedList: items must have no parameters of their own, got {item!r}. Make it a "
                f"parameter beside the list."
            )
    return items


def _is_conditional(item: Domain) -> bool:
    return bool(getattr(item, "when", None))


@final
@attrs.frozen(repr=False)
class FixedList(Domain):
    """
    A list of fixed length; its values are tuples. A sampler sees ``widths[0]``, ``widths[1]``.

    Args:
        items: The domain of each place.

    Raises:
        DomainError: If there is no item, one is no domain, or one is conditional.

    Example:
        >>> from espalier import Integer, Ordinal
        >>> FixedList([Integer(1, 2), Ordinal([8, 16])]).at(1)
        (1, 16)
    """

    type: ClassVar[str] = "list"

    items: tuple[Domain, ...] = attrs.field(converter=_as_items)

    @classmethod
    def of(cls, item: Domain, length: int) -> FixedList:
        """
        Return a list of *length* values that are all from the domain *item*.

        Raises:
            DomainError: If *length* is no integer of at least 1.
        """
        if not is_integer(length) or length < 1:
            raise DomainError(
                f"FixedList: length must be an integer of at least 1, got {length!r}."
            )
        return cls([item] * length)

    @property
    def size(self) -> int | None:
        sizes = [item.size for item in self.items]
        return None if None in sizes else math.prod(size or 0 for size in sizes)

    @property
    def default(self) -> tuple[Any, ...]:
        return tuple(item.default for item in self.items)

    def at(self, index: int) -> tuple[Any, ...]:
        place = self._place(index)
        values = []
        for item in reversed(self.items):
            place, digit = divmod(place, item.size or 1)
            values.append(item.at(digit))
        return tuple(reversed(values))

    def index(self, value: Any) -> int:
        place = 0
        for item, one in zip(self.items, self.read(value), strict=True):
            place = place * (item.size or 1) + item.index(one)
        return place

    def read(self, value: Any) -> tuple[Any, ...]:
        values = frozen(value)
        if not isinstance(values, tuple) or len(values) != len(self.items):
            raise self._refuse(value)
        try:
            return tuple(item.read(one) for item, one in zip(self.items, values, strict=True))
        except DomainError as error:
            raise self._refuse(value, f" An item {error}") from None

    def sample(self, rng: random.Random) -> tuple[Any, ...]:
        return tuple(item.sample(rng) for item in self.items)

    def decide(self, name: str, choose: Choose) -> tuple[Any, ...]:
        return tuple(item.decide(f"{name}[{i}]", choose) for i, item in enumerate(self.items))

    def parts(self, name: str, value: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for number, (item, one) in enumerate(zip(self.items, value, strict=True)):
            found.update(item.parts(f"{name}[{number}]", one))
        return found

    def to_dict(self) -> dict[str, Any]:
        return {"type": self.type, "items": [item.to_dict() for item in self.items]}

    def __str__(self) -> str:
        return f"a list of {len(self.items)}: {'; '.join(map(str, self.items))}"
