"""Standardise results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, final

import attrs
import numpy as np

from .target import Target, moments, shares


if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Standard"]


@final
@attrs.frozen
class Standard(Target):
    """Subtracts the mean and divides by the deviation."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, values: np.ndarray) -> Self:
        return cls(*moments(values))

    def forward(self, values: ArrayLike) -> np.ndarray:
        return shares(values, self.mean, self.deviation)

    def log_slope(self, values: ArrayLike) -> np.ndarray:
        return np.full(np.shape(values), -np.log(self.deviation))
