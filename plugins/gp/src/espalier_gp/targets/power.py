"""A power of results that makes them look normal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, final

import attrs
import numpy as np
from scipy.special import boxcox1p

from .standard import Standard
from .target import Target


if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["YeoJohnson"]

#: The powers that are tried. Outside, a single value decides.
_POWERS = (-4.0, 4.0)

#: How far from the mean a value counts; its power is a finite number then.
_INSIDE = (-1e40, 1e40)

#: How many powers are tried at once, and how often: each time between the neighbours of the best.
_AT_ONCE, _ROUNDS = 17, 4


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
        return cls(before, power, Standard.of(_bent(plain, power)))

    def forward(self, values: ArrayLike) -> np.ndarray:
        plain = np.clip(np.atleast_1d(self.before.forward(values)), *_INSIDE)
        bent = _bent(plain, self.power)
        return self.after.forward(bent).reshape(np.shape(values))

    def log_slope(self, values: ArrayLike) -> np.ndarray:
        plain = self.before.forward(values)
        inner = (self.power - 1.0) * np.sign(plain) * np.log1p(np.abs(plain))
        return inner + self.before.log_slope(values) + self.after.log_slope(values)


def _bent(values: np.ndarray, power: float | np.ndarray) -> np.ndarray:
    """Return ``((1 + v)**p - 1) / p``, and its mirror image below 0, with ``2 - p``."""
    with np.errstate(over="ignore"):
        above = boxcox1p(np.maximum(values, 0.0), power)
        return np.asarray(above - boxcox1p(np.maximum(-values, 0.0), 2.0 - power))


def _likeliest(values: np.ndarray) -> float:
    """Return the power that the normal likelihood is largest for; to 1e-3."""
    least, most = _POWERS
    slope = float((np.sign(values) * np.log1p(np.abs(values))).mean())
    best = 1.0
    for _ in range(_ROUNDS):
        powers = np.linspace(least, most, _AT_ONCE)
        with np.errstate(all="ignore"):
            spread = _bent(values, powers[:, None]).std(1)
            likelihood = (powers - 1.0) * slope - np.log(spread)
        usable = np.isfinite(likelihood)
        if not usable.any():
            break
        at = int(np.where(usable, likelihood, -np.inf).argmax())
        best, gap = float(powers[at]), float(powers[1] - powers[0])
        least, most = max(best - gap, _POWERS[0]), min(best + gap, _POWERS[1])
    return best
