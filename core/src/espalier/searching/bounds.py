"""Read upper bounds: numbers, and percentages of the largest subnet."""

from __future__ import annotations

import decimal
import math
import numbers
from fractions import Fraction
from typing import TYPE_CHECKING, TypeVar

import attrs

from ..errors import ConstraintError


if TYPE_CHECKING:
    from collections.abc import Mapping

_N = TypeVar("_N", float, decimal.Decimal)


@attrs.frozen
class Bound:
    """
    One upper bound as it was asked for.

    Args:
        asked: What the user wrote.

        number: The bound, or how many hundredths of the largest subnet it is.

        is_percentage: Which of both.
    """

    asked: float | str
    number: Fraction
    is_percentage: bool

    def limit(self, largest: float) -> float:
        """
        Return the bound as a number, never above what was asked for.

        Args:
            largest: What the largest subnet has.
        """
        exact = self.number * Fraction(largest) / 100 if self.is_percentage else self.number
        if exact.denominator == 1:
            return int(exact)
        near = float(exact)
        return near if Fraction(near) <= exact else math.nextafter(near, 0)


def read_bounds(given: Mapping[str, float | str]) -> dict[str, Bound]:
    """
    Read every bound of *given*, by metric.

    Raises:
        ConstraintError: Naming each that can't be read.
    """
    found = {name: _read(value) for name, value in given.items()}
    unread = [name for name, bound in found.items() if bound is None]
    if unread:
        came = ", ".join(repr(given[name]) for name in unread)
        raise ConstraintError(
            f"{', '.join(map(str, unread))}: a bound must be a number above 0, or a percentage "
            f"of the largest subnet such as '60%'; got {came}."
        )
    return {name: bound for name, bound in found.items() if bound}


def _read(value: object) -> Bound | None:
    try:
        if isinstance(value, str):
            text, sign, rest = value.strip().partition("%")
            number = Fraction(_finite(decimal.Decimal(text)))
            return Bound(value, number, is_percentage=True) if sign and not rest else None
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return Bound(value, Fraction(value), is_percentage=False)
        if isinstance(value, numbers.Real) and not isinstance(value, bool):
            return Bound(float(value), Fraction(_finite(float(value))), is_percentage=False)
    except (ValueError, OverflowError, decimal.InvalidOperation):
        pass
    return None


def _finite(number: _N) -> _N:
    if not math.isfinite(float(number)) or float(number) <= 0:
        raise ValueError(number)
    return number


def percent_of(part: float, whole: float) -> str:
    """Return how much of *whole* the *part* is."""
    return f"{part / whole:.1%}" if whole else "all"


def nearest_above(smallest: float, largest: float) -> str:
    """Return bounds that *smallest* satisfies: rounded up, so that they can be had."""
    if float(smallest).is_integer():
        number = f"{int(smallest)}"
    else:
        step = 10.0 ** (math.floor(math.log10(smallest)) - 3)
        number = f"{math.ceil(smallest / step + 1e-6) * step:.6g}"
    if not largest:
        return number
    tenths = math.ceil(Fraction(smallest) / Fraction(largest) * 1000)
    return f"'{tenths / 10:g}%' or {number}"
