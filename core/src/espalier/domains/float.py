"""Real numbers between two bounds."""

from __future__ import annotations

import math
import sys
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, final

import attrs

from .bounds import check_bounds, check_default, is_number, nearest_of, plain_fields, refused
from .domain import UNSET, Domain, Unset


if TYPE_CHECKING:
    import random

__all__ = ["Float"]

#: How far from a multiple of the step a value may be, in steps.
_SLACK = Fraction(1, 10**9)


def _as_float(value: Any) -> Any:
    return float(value) if is_number(value) else value


def _exact(value: float) -> Fraction:
    # As written in decimals, so that three steps of 0.1 are 0.3.
    return Fraction(repr(value))


@final
@attrs.frozen(repr=False)
class Float(Domain):
    """
    Real numbers from *low* to *high*, both included.

    Args:
        low: The smallest.

        high: The largest that may be reached; with a *step*, the last one may be below it.

        step: The distance between neighbours; without one the numbers can't be counted.

        log: Whether equal ratios are equally far apart, as for a learning rate. With a *step*,
            the values are those of the step, and small ones are drawn as often as large ones.

        default: Where to start; the middle if left out.

    Raises:
        DomainError: If the bounds are swapped or not finite, *step* is not above 0 or so small
            that neighbours are equal, *log* goes with a *low* that is not above 0, or *default*
            is none of the values.

    Example:
        >>> Float(0, 0.5, step=0.1).at(3)
        0.3
    """

    type: ClassVar[str] = "float"

    low: float = attrs.field(converter=_as_float)
    high: float = attrs.field(converter=_as_float)
    step: float | None = attrs.field(default=None, converter=_as_float, kw_only=True)
    log: bool = attrs.field(default=False, kw_only=True)
    _default: float | Unset = attrs.field(
        default=UNSET, converter=_as_float, kw_only=True, alias="default"
    )
    _count: int | None = attrs.field(init=False, eq=False)

    def __attrs_post_init__(self) -> None:
        for name in ("low", "high"):
            value = getattr(self, name)
            if not is_number(value):
                raise refused(self, name, "a finite number", value)
        check_bounds(self)
        if self.step is not None and (not is_number(self.step) or self.step <= 0):
            raise refused(self, "step", "a number above 0, or None", self.step)
        object.__setattr__(self, "_count", self._counted())
        check_default(self, self._default)

    def _counted(self) -> int | None:
        if self.step is None:
            return 1 if self.low == self.high else None
        span = _exact(self.high) - _exact(self.low)
        count = math.floor(span / _exact(self.step) + _SLACK) + 1
        least = 2 * math.ulp(max(abs(self.low), abs(self.high)))
        if count > 1 and self.step < least:
            rule = f"at least {least} between these bounds, so that neighbours differ"
            raise refused(self, "step", rule, self.step)
        return count

    @property
    def size(self) -> int | None:
        return self._count

    @property
    def last(self) -> float:
        """The largest value there is."""
        return self.high if self.step is None else self._step_to((self._count or 1) - 1)

    @property
    def default(self) -> float:
        if not isinstance(self._default, Unset):
            return self._default
        low, high = self.low, self.high
        return self.near(math.sqrt(low) * math.sqrt(high) if self.log else low / 2 + high / 2)

    def at(self, index: int) -> float:
        return self._step_to(self._place(index))

    def index(self, value: Any) -> int:
        read = self.read(value)
        self._place(0)
        return self._nearest_place(read)

    def read(self, value: Any) -> float:
        if not is_number(value):
            raise self._refuse(value)
        near = self.near(value)
        slack = 0.0
        if self.step is not None:
            slack = max(self.step * float(_SLACK), math.ulp(near))
        if abs(near - float(value)) > slack:
            raise self._refuse(value, nearest_of(self.near, value))
        return near

    def near(self, value: float) -> float:
        """Return the value of the domain that is nearest to *value*."""
        inside = min(max(float(value), self.low), self.high)
        return inside if self.step is None else self._step_to(self._nearest_place(inside))

    def sample(self, rng: random.Random) -> float:
        if self.log:
            return self.near(math.exp(rng.uniform(*self._log_bounds())))
        if self._count is not None:
            return self._step_to(rng.randrange(self._count))
        share = rng.random()
        return self.near(self.low * (1 - share) + self.high * share)

    def _log_bounds(self) -> tuple[float, float]:
        # Each value of a step gets what is nearer to it than to others, as far as logs go.
        half = (self.step or 0.0) / 2
        low = max(self.low - half, self.low / 2, math.ulp(0.0)) if half else self.low
        return math.log(low), math.log(min(self.last + half, sys.float_info.max))

    def to_dict(self) -> dict[str, Any]:
        return plain_fields(self)

    def __str__(self) -> str:
        step = f" in steps of {self.step}" if self.step is not None else ""
        return f"a number from {self.low} to {self.last}{step}"

    def _nearest_place(self, value: float) -> int:
        if self.step is None:
            return 0
        place = round((Fraction(value) - _exact(self.low)) / _exact(self.step))
        return min(place, (self._count or 1) - 1)

    def _step_to(self, place: int) -> float:
        if self.step is None:
            return self.low
        step, high = _exact(self.step), _exact(self.high)
        value = _exact(self.low) + place * step
        return self.high if value > high - step * _SLACK else float(value)
