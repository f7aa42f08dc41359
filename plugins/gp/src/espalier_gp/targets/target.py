"""What a transform of results is."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Self

import numpy as np


if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Target", "moments", "shares"]


class Target(abc.ABC):
    """
    A strictly increasing function of results, fitted to some of them.

    It is defined for every finite number, not only for those that it was fitted to.
    """

    @classmethod
    @abc.abstractmethod
    def of(cls, values: np.ndarray) -> Self:
        """Fit to finite *values*, shape ``(n,)``; there is at least one."""

    @abc.abstractmethod
    def forward(self, values: ArrayLike) -> np.ndarray:
        """Return the transformed values."""

    @abc.abstractmethod
    def log_slope(self, values: ArrayLike) -> np.ndarray:
        """Return the logarithm of the derivative at each value."""


def moments(values: np.ndarray) -> tuple[float, float]:
    """
    Return the mean and the deviation of finite values.

    No step overflows. The deviation of values that are all equal, or that differ by rounding
    only, is that of the largest of them in size, or 1.
    """
    size = float(np.abs(values).max())
    if size == 0.0:
        return 0.0, 1.0
    scaled = values / size
    mean, deviation = float(scaled.mean()), float(scaled.std())
    if deviation < 1e-12:  # noqa: PLR2004 - rounding
        deviation = 1.0
    return mean * size, max(deviation * size, np.finfo(float).tiny)


def shares(values: ArrayLike, start: float, width: float) -> np.ndarray:
    """
    Return how many widths each value is away from *start*, between -1e100 and 1e100.

    Args:
        values: Any shape.

        start: What is 0.

        width: Above 0.
    """
    with np.errstate(over="ignore"):
        # Each is divided first: their difference could overflow.
        found = np.asarray(values, dtype=float) / width - start / width
    return np.clip(found, -1e100, 1e100)
