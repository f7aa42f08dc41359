"""Fit hyper-parameters by the gradient, from several starts at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..climbing import Box, Climbed, Steps, climb
from .flat import Flat


if TYPE_CHECKING:
    from torch import Tensor

    from ..process import GaussianProcess

__all__ = ["fit"]

#: Most hyper-parameters are logarithms. None moves further in one step, nor in the first; steps
#: that promise to raise the logarithm of the density by less are not taken.
_STRIDE, _FIRST, _ENOUGH = 1.0, 1.0, 1e-2


def fit(
    process: GaussianProcess,
    starts: np.ndarray,
    points: Tensor,
    values: Tensor,
    *,
    iterations: int = 60,
    curvature: np.ndarray | None = None,
) -> Climbed:
    """
    Return the most probable hyper-parameters near each start.

    Each evaluation of all starts is one batched factorisation.

    Args:
        process: With as many copies as there are starts; it is left with what was found.

        starts: Where to begin, on the scale of `Flat`. Shape ``(copies, size)``.

        points: Shape ``(n, d)``.

        values: Shape ``(n,)`` or ``(copies, n)``.

        iterations: How many evaluations at most, after the first.

        curvature: What is known from an earlier fit.

    Returns:
        The hyper-parameters, the logarithm of the posterior density up to a constant, minus
        infinity if a covariance can't be factorised, and the curvature.
    """
    flat = Flat(process)

    def judge(rows: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        everything = np.broadcast_to(rows[0], starts.shape).copy()
        everything[at] = rows
        losses, slopes = flat.loss_and_gradient(everything, points, values)
        return -losses[at], -slopes[at]

    free, box = np.ones(starts.shape, dtype=bool), Box(flat.lower, flat.upper)
    steps = Steps(_STRIDE, _FIRST, _ENOUGH, iterations)
    found = climb(judge, starts, free, box, steps, curvature)
    flat.write(found.points)
    return found
