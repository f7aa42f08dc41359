"""The logarithm of how much worse than the best a result is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, final

import attrs
import numpy as np

from .standard import Standard
from .target import Target, moments, shares


if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["ShiftedLog"]


@final
@attrs.frozen
class ShiftedLog(Target):
    """
    Takes ``log(1 + (value - best) / width)`` and standardises.

    Below the best it goes on as a straight line, with the slope that it has there. It suits
    results over several powers of ten, of which only the small ones matter.

    Attributes:
        best: The smallest value seen.

        width: The difference from the best up to which it is about linear.
    """

    best: float
    width: float
    after: Standard

    @classmethod
    def of(cls, values: np.ndarray, share: float = 0.1) -> Self:
        """
        Fit to *values*.

        Args:
            values: Shape ``(n,)``.

            share: The width, as a share of the distance from the best to the median.
        """
        best = float(values.min())
        width = share * (float(np.median(values)) - best)
        if not width > 0 or not np.isfinite(width):
            width = moments(values)[1]
        plain = cls(best, width, Standard(0.0, 1.0))
        return cls(best, width, Standard.of(plain.forward(values)))

    def forward(self, values: ArrayLike) -> np.ndarray:
        steps = self._steps(values)
        bent = np.where(steps > 0, np.log1p(np.maximum(steps, 0.0)), steps)
        return self.after.forward(bent)

    def log_slope(self, values: ArrayLike) -> np.ndarray:
        inner = -np.log1p(np.maximum(self._steps(values), 0.0)) - np.log(self.width)
        return inner + self.after.log_slope(values)

    def _steps(self, values: ArrayLike) -> np.ndarray:
        return shares(values, self.best, self.width)
