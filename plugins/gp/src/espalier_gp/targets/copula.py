"""Replace results by what a normal sample of the same ranks would be."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Self, final

import attrs
import numpy as np
from scipy.special import ndtri

from .target import Target, shares


if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Copula"]


#: The least slope, and the inverse of the largest.
_LEAST = 1e-300


@final
@attrs.frozen(eq=False)
class Copula(Target):
    """
    Maps each value to the normal quantile of its rank, and what lies between by straight lines.

    Outside of what was seen it goes on with the slope of all.

    Source:
        Wilson and Ghahramani, *Copula Processes*, NeurIPS 2010, section 2.
    """

    values: np.ndarray
    quantiles: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> Self:
        unique, counts = np.unique(values, return_counts=True)
        ranks = np.cumsum(counts) - 0.5 * counts
        return cls(unique, ndtri(ranks / counts.sum()))

    def forward(self, values: ArrayLike) -> np.ndarray:
        given = np.asarray(values, dtype=float)
        with np.errstate(all="ignore"):
            inner = np.interp(given, self.values, self.quantiles)
        # Between values that differ by next to nothing a slope may overflow.
        place = np.searchsorted(self.values, given, side="right")
        last = len(self.values) - 1
        least = self.quantiles[np.clip(place - 1, 0, last)]
        inner = np.clip(inner, least, self.quantiles[np.clip(place, 0, last)])
        below = np.minimum(shares(given, self.values[0], 1.0 / self._slope()), 0.0)
        above = np.maximum(shares(given, self.values[-1], 1.0 / self._slope()), 0.0)
        return inner + below + above

    def log_slope(self, values: ArrayLike) -> np.ndarray:
        # Differences of halves do not overflow, nor do differences of logarithms.
        gaps = np.maximum(np.diff(self.values / 2.0), math.ulp(0.0))
        inner = np.log(np.diff(self.quantiles) / 2.0) - np.log(gaps)
        outer = np.log(self._slope())
        slopes = np.concatenate([[outer], inner, [outer]])
        return slopes[np.searchsorted(self.values, values)]

    def _slope(self) -> float:
        span = float(self.values[-1]) / 2.0 - float(self.values[0]) / 2.0
        if not span > 0:
            return 1.0
        rise = float(self.quantiles[-1] - self.quantiles[0])
        return min(max(rise / 2.0 / max(span, _LEAST), _LEAST), 1.0 / _LEAST)
