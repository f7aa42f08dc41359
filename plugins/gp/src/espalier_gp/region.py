"""A box around the best point that grows with success and shrinks with failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np


if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["box", "length"]

_START, _LEAST, _MOST = 0.8, 0.5**7, 1.6

#: So many improvements in a row let the box grow.
_SUCCESSES = 3


def length(values: Sequence[float], dimensions: int, startup: int) -> float:
    """
    Return how long the sides of the box are, as a share of the whole.

    It doubles after some improvements in a row and halves after as many failures as there are
    dimensions. When it has become too small, it begins anew.

    Args:
        values: Results in their order, each to be small; infinite where a bound was broken.

        dimensions: How many there are.

        startup: So many results came before the box.

    Source:
        Eriksson et al., *Scalable Global Optimization via Local Bayesian Optimization*, NeurIPS
        2019, arXiv:1910.01739, section 2.
    """
    size, won, lost = _START, 0, 0
    best = min(values[:startup], default=np.inf)
    for value in values[startup:]:
        # Of an infinite one there is no share; what is finite is better by any.
        if value < (best - 1e-3 * abs(best) if np.isfinite(best) else best):
            won, lost = won + 1, 0
        else:
            won, lost = 0, lost + 1
        best = min(best, value)
        if won >= _SUCCESSES:
            size, won = min(2.0 * size, _MOST), 0
        elif lost >= dimensions:
            size, lost = size / 2.0, 0
        if size < _LEAST:
            size, won, lost = _START, 0, 0
    return size


def box(
    centre: np.ndarray, size: float, scales: np.ndarray, numbers: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """
    Return the sides of the box, longer where the function changes slowly.

    Args:
        centre: Shape ``(d,)``.

        size: What `length` returned.

        scales: The length scale of each column. Shape ``(d,)``.

        numbers: Which columns are numbers; the others are free. Shape ``(d,)``.

    Returns:
        The least and the most of each column. Shape ``(d,)`` both.
    """
    relative = scales / np.exp(np.log(scales).mean())
    half = 0.5 * size * relative
    lower = np.where(numbers, np.clip(centre - half, 0.0, 1.0), 0.0)
    upper = np.where(numbers, np.clip(centre + half, 0.0, 1.0), 1.0)
    return lower, upper
