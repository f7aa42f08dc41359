"""A power of results that makes them look normal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, final

import attrs
import numpy as np
from scipy import optimize, stats

from .standard import Standard
from .target import Target


if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["YeoJohnson"]

#: The powers that are tried. Outside, a single value decides.
_POWERS = (-4.0, 4.0)

#: How far from the mean a value counts; its power is a finite number then.
_INSIDE = (-1e40, 1e40)

#: What stands for an undefined likelihood.
_HOPELESS = 1e300


@final
@attrs.frozen
class YeoJohnson(Target):
    """
    Standardises, takes the power that the normal likelihood is largest for, standardises again.

    Source:
        Yeo and Johnson, *A New Family of Power Transformations to Improve Normality or Symmetry*,
        Biometrika 2000, equation 2.1.
    """

    before: Standard
    power: float
    after: Standard

    @classmethod
    def of(cls, values: np.ndarray) -> Self:
        before = Standard.of(values)
        plain = np.clip(before.forward(values), *_INSIDE)
        power = _likeliest(plain) if np.ptp(plain) > 0 else 1.0
        return cls(before, power, Standard.of(stats.yeojohnson(plain, power)))

    def forward(self, values: ArrayLike) -> np.ndarray:
        plain = np.clip(np.atleast_1d(self.before.forward(values)), *_INSIDE)
        bent = stats.yeojohnson(plain, self.power)
        return self.after.forward(bent).reshape(np.shape(values))

    def log_slope(self, values: ArrayLike) -> np.ndarray:
        plain = self.before.forward(values)
        inner = (self.power - 1.0) * np.sign(plain) * np.log1p(np.abs(plain))
        return inner + self.before.log_slope(values) + self.after.log_slope(values)


def _likeliest(values: np.ndarray) -> float:
    """Return the power that the normal likelihood is largest for."""

    def loss(power: float) -> float:
        likelihood = float(stats.yeojohnson_llf(power, values))
        return -likelihood if np.isfinite(likelihood) else _HOPELESS

    found = optimize.minimize_scalar(
        loss, bounds=_POWERS, method="bounded", options={"xatol": 1e-3}
    )
    return float(found.x) if found.fun < _HOPELESS else 1.0
