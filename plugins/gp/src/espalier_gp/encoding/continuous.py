"""A number of a range, or of so many steps that they are as good as one."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any, final

import numpy as np

from .column import Columns


if TYPE_CHECKING:
    from espalier.domains import Float, Integer

__all__ = ["Continuous"]


@final
class Continuous(Columns):
    """
    One column, from 0 at the smallest value to 1 at the largest, on the domain's own scale.

    Args:
        domain: Its values.
    """

    is_continuous = True

    def __init__(self, domain: Float | Integer) -> None:
        self._domain = domain
        self._low, self._high = domain.low, domain.last
        self._log = domain.log
        if self._log:
            self._bounds = (math.log(self._low), math.log(self._high))

    def encode(self, value: Any) -> np.ndarray:
        if self._log:
            low, high = self._bounds
            # Of neighbours in floating point, even the logarithms may be equal.
            share = (math.log(value) - low) / (high - low) if high > low else 0.5
        else:
            share = float(
                (Fraction(value) - Fraction(self._low))
                / (Fraction(self._high) - Fraction(self._low))
            )
        return np.array([min(max(share, 0.0), 1.0)])

    def decode(self, columns: np.ndarray) -> Any:
        share = float(columns[0])
        if share <= 0.0 or share >= 1.0:
            return self._low if share <= 0.0 else self._high
        if self._log:
            return self._domain.near(self._at_power(share))
        if isinstance(self._low, int):
            exact = self._low + Fraction(share) * (self._high - self._low)
            return self._domain.near(exact)
        return self._domain.near(self._low * (1.0 - share) + self._high * share)

    def _at_power(self, share: float) -> Any:
        low, high = self._bounds
        power = low * (1.0 - share) + high * share
        if power < 700.0:  # noqa: PLR2004 - beyond, it is no float
            return math.exp(power)
        whole, rest = divmod(power / math.log(2.0), 1.0)
        return Fraction(2.0**rest) * 2 ** int(whole)

    def snap(self, columns: np.ndarray) -> np.ndarray:
        return np.clip(columns, 0.0, 1.0)

    def spread(self, shares: np.ndarray) -> np.ndarray:
        return shares[:, None]

    def moved(self, columns: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
        step = rng.normal(scale=scale, size=columns.shape)
        found = columns + step
        # What would leave the range goes the other way, as far as it can.
        return np.where((found < 0.0) | (found > 1.0), np.clip(columns - step, 0.0, 1.0), found)

    def next_to(self, columns: np.ndarray) -> np.ndarray:
        del columns
        return np.empty((0, 1))

    @property
    def absent(self) -> np.ndarray:
        return np.array([0.5])
