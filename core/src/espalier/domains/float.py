"""Real numbers between two bounds."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, final

import attrs

from .bounds import check_bounds, check_default, is_number, nearest_of, plain_fields, refused
from .domain import UNSET, Domain, Unset


if TYPE_CHECKING:
    import random

__all__ = ["Float"]

#: How far from a multiple of the step a value may be, in steps.
_SLACK = 1e-9


def _as_float(value: Any) -> Any:
    return float(value) if is_number(value) else value


@final
@attrs.frozen
class Float(Domain):
    """
    Real numbers from *low* to *high*, both included.

    Args:
        low: The smallest.

        high: The largest that may be reached; with a *step*, the last one may be below it.

        step: The distance between neighbours; without one the numbers can't be counted.

        log: Whether equal ratios are equally far apart, as for a learning rate.

        default: Where to start; the middle if left out.

    Raises:
        DomainError: If the bounds are swapped or not finite, *step* is not above 0, *log* goes
            with a *low* that is not above 0, or *default* is none of the values.

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

    def __attrs_post_init__(self) -> None:
        for name in ("low", "high"):
            value = getattr(self, name)
            if not is_number(value):
                raise refused(self, name, "a finite number", value)
        check_bounds(self)
        if self.step is not None and (not is_number(self.step) or self.step <= 0):
            raise refused(self, "step", "a number above 0, or None", self.step)
        check_default(self, self._default)

    @property
    def size(self) -> int | None:
        if self.step is None:
            return 1 if self.low == self.high else None
        return math.floor((self.high - self.low) / self.step + _SLACK) + 1

    @property
    def last(self) -> float:
        """The largest value there is."""
        return self.high if self.step is None else self._step_to((self.size or 1) - 1)

    @property
    def default(self) -> float:
        if not isinstance(self._default, Unset):
            return self.read(self._default)
        low, high = self.low, self.high
        return self.near(math.sqrt(low) * math.sqrt(high) if self.log else low / 2 + high / 2)

    def at(self, index: int) -> float:
        return self._step_to(self._place(index))

    def index(self, value: Any) -> int:
        read = self.read(value)
        self._place(0)
        return 0 if self.step is None else round((read - self.low) / self.step)

    def read(self, value: Any) -> float:
        if not is_number(value):
            raise self._refuse(value)
        near = self.near(float(value))
        slack = 0.0 if self.step is None else self.step * _SLACK
        if abs(near - value) > slack:
            raise self._refuse(value, nearest_of(self.near, value))
        return near

    def near(self, value: float) -> float:
        """Return the value of the domain that is nearest to *value*."""
        if self.step is None:
            return min(max(value, self.low), self.high)
        place = round((min(max(value, self.low), self.high) - self.low) / self.step)
        return self._step_to(min(place, (self.size or 1) - 1))

    def sample(self, rng: random.Random) -> float:
        if self.log:
            return self.near(math.exp(rng.uniform(math.log(self.low), math.log(self.high))))
        if self.step is not None:
            return self.at(rng.randrange(self.size or 1))
        return self.near(self.low + rng.random() * (self.high - self.low))

    def to_dict(self) -> dict[str, Any]:
        return plain_fields(self)

    def __str__(self) -> str:
        step = f" in steps of {self.step}" if self.step is not None else ""
        return f"a number from {self.low} to {self.last}{step}"

    def _step_to(self, place: int) -> float:
        # As decimals, so that three steps of 0.1 are 0.3.
        step = Decimal(0) if self.step is None else Decimal(repr(self.step))
        return float(Decimal(repr(self.low)) + place * step)
