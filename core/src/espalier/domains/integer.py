"""Whole numbers between two bounds."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, final

import attrs

from .bounds import check_bounds, check_default, is_integer, nearest_of, plain_fields, refused
from .domain import UNSET, Domain, Unset


if TYPE_CHECKING:
    import random

__all__ = ["Integer"]

#: Beyond this power of two, numbers are made of whole ones; a float holds up to 1023.
_MOST_BITS = 1000


def _as_integer(value: Any) -> Any:
    return int(value) if is_integer(value) else value


@final
@attrs.frozen(repr=False)
class Integer(Domain):
    """
    Whole numbers from *low* to *high*, both included.

    Args:
        low: The smallest.

        high: The largest that may be reached; with a *step*, the last one may be below it.

        step: The distance between neighbours.

        log: Whether equal ratios are equally far apart, as for a number of units.

        default: Where to start; the middle if left out.

    Raises:
        DomainError: If the bounds are swapped, *step* is below 1 or goes with *log*, *log* with a
            *low* below 1, or *default* is none of the values.

    Example:
        >>> Integer(8, 64, step=8).size
        8
    """

    type: ClassVar[str] = "integer"

    low: int = attrs.field(converter=_as_integer)
    high: int = attrs.field(converter=_as_integer)
    step: int = attrs.field(default=1, converter=_as_integer, kw_only=True)
    log: bool = attrs.field(default=False, kw_only=True)
    _default: int | Unset = attrs.field(default=UNSET, kw_only=True, alias="default")

    def __attrs_post_init__(self) -> None:
        for name in ("low", "high", "step"):
            value = getattr(self, name)
            if not is_integer(value):
                raise refused(self, name, "an integer", value)
        check_bounds(self)
        if self.step < 1:
            raise refused(self, "step", "at least 1", self.step)
        if self.log and self.step != 1:
            hint = " Leave log out, or list the values in an Ordinal."
            raise refused(self, "step", "1 where log is on", self.step, hint)
        check_default(self, self._default)

    @property
    def size(self) -> int:
        return (self.high - self.low) // self.step + 1

    @property
    def last(self) -> int:
        """The largest value there is."""
        return self.low + (self.size - 1) * self.step

    @property
    def default(self) -> int:
        if not isinstance(self._default, Unset):
            return self._default
        return self.near(
            math.isqrt(self.low * self.last) if self.log else (self.low + self.last) // 2
        )

    def at(self, index: int) -> int:
        return self.low + self._place(index) * self.step

    def index(self, value: Any) -> int:
        return (self.read(value) - self.low) // self.step

    def read(self, value: Any) -> int:
        if not is_integer(value):
            raise self._refuse(value, nearest_of(self.near, value))
        whole = int(value)
        if not self.low <= whole <= self.high or (whole - self.low) % self.step:
            raise self._refuse(value, nearest_of(self.near, value))
        return whole

    def near(self, value: float | Fraction) -> int:
        """Return the value of the domain that is nearest to *value*."""
        if value <= self.low:
            return self.low
        if value >= self.last:
            return self.last
        return self.low + round((Fraction(value) - self.low) / self.step) * self.step

    def sample(self, rng: random.Random) -> int:
        if not self.log:
            return self.low + rng.randrange(self.size) * self.step
        low, high = _log2(self.low, -0.5), _log2(self.high, 0.5)
        power = rng.uniform(low, high)
        if power < _MOST_BITS:
            return self.near(2.0**power)
        return self.near(Fraction(2.0 ** (power % 1)) * 2 ** int(power))

    def to_dict(self) -> dict[str, Any]:
        return plain_fields(self)

    def __str__(self) -> str:
        step = f" in steps of {self.step}" if self.step != 1 else ""
        return f"an integer from {self.low} to {self.last}{step}"


def _log2(value: int, more: float) -> float:
    # A half counts for nothing where a float could not hold it.
    return math.log2(value + more if value.bit_length() < _MOST_BITS else value)
