"""Draw from a density that is known but for a factor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from espalier.errors import SamplerError


if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["slice_sample"]

#: How wide the first interval is, and how often it is widened and narrowed at most.
_WIDTH, _WIDENED, _NARROWED = 1.0, 8, 64

#: How many sweeps over all coordinates are not kept, at first and between two draws.
_BEFORE, _BETWEEN = 10, 2


def slice_sample(
    log_density: Callable[[np.ndarray], float],
    start: np.ndarray,
    count: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """
    Return draws by slice sampling along one coordinate after the other.

    Args:
        log_density: The logarithm of the density, up to a constant; minus infinity, or no number,
            where there is none.

        start: Where to begin, with a density above 0. Shape ``(d,)``.

        count: How many draws.

        rng: Where the randomness comes from.

    Returns:
        Shape ``(count, d)``.

    Raises:
        SamplerError: If the density at *start* is 0.

    Source:
        Neal, *Slice Sampling*, Annals of Statistics 2003, figures 3 and 5.
    """
    point = start.astype(float).copy()
    height = log_density(point)
    if not np.isfinite(height):
        raise SamplerError(
            f"slice sampling must begin where the density is above 0, and its logarithm at "
            f"{start.tolist()} is {height}."
        )
    found = []
    for sweep in range(_BEFORE + _BETWEEN * count):
        for place in range(len(point)):
            height = _moved(log_density, point, place, height, rng)
        if sweep >= _BEFORE and (sweep - _BEFORE) % _BETWEEN == _BETWEEN - 1:
            found.append(point.copy())
    return np.stack(found)


def _moved(
    log_density: Callable[[np.ndarray], float],
    point: np.ndarray,
    place: int,
    height: float,
    rng: np.random.Generator,
) -> float:
    """Move one coordinate, in place, and return the logarithm of the density there."""
    level = height - rng.exponential()
    own = point[place]

    def at(value: float) -> float:
        point[place] = value
        found = log_density(point)
        return -np.inf if np.isnan(found) else found

    left = own - _WIDTH * rng.random()
    right = left + _WIDTH
    lefts = int(rng.integers(_WIDENED))
    rights = _WIDENED - 1 - lefts
    while lefts > 0 and at(left) > level:
        left, lefts = left - _WIDTH, lefts - 1
    while rights > 0 and at(right) > level:
        right, rights = right + _WIDTH, rights - 1
    for _ in range(_NARROWED):
        value = rng.uniform(left, right)
        found = at(value)
        if found > level:
            return found
        if value < own:
            left = value
        else:
            right = value
    point[place] = own
    return height
