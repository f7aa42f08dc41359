"""Go uphill from several points at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
from scipy.optimize import minimize


if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Score", "ascend", "scores"]

#: Tells how good points are: from shape ``(m, d)`` to ``(m,)``, differentiable.
Score: TypeAlias = "Callable[[torch.Tensor], torch.Tensor]"


def scores(score: Score, points: np.ndarray) -> np.ndarray:
    """
    Return the scores of points; what is undefined is as bad as can be.

    Args:
        score: What is to be large.

        points: Shape ``(m, d)``.

    Returns:
        Shape ``(m,)``.
    """
    with torch.no_grad():
        found = score(torch.from_numpy(points)).numpy()
    return np.where(np.isnan(found), -np.inf, found)


def ascend(
    score: Score,
    starts: np.ndarray,
    free: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    iterations: int,
) -> np.ndarray:
    """
    Return where L-BFGS-B gets to from each start.

    All starts are one problem, the sum of their scores.

    Args:
        score: What is to be large.

        starts: Shape ``(k, d)``.

        free: Which columns of which start may move. Shape ``(k, d)``.

        lower: The least of each column. Shape ``(d,)``.

        upper: The most of each column. Shape ``(d,)``.

        iterations: How many at most.

    Returns:
        Shape ``(k, d)``.
    """
    if not free.any():
        return starts.copy()
    points = starts.copy()

    def judge(vector: np.ndarray) -> tuple[float, np.ndarray]:
        points[free] = vector
        inputs = torch.from_numpy(points.copy()).requires_grad_()
        found = score(inputs)
        (gradient,) = torch.autograd.grad(found.sum(), inputs)
        total = -float(found.detach().sum())
        slope = np.nan_to_num(-gradient.numpy()[free])
        return (total if np.isfinite(total) else 1e100), slope

    start = starts[free]
    low, high = (np.broadcast_to(side, starts.shape)[free] for side in (lower, upper))
    found = minimize(
        judge,
        np.clip(start, low, high),
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip(low, high, strict=True)),
        options={"maxiter": iterations, "maxfun": 2 * iterations, "ftol": 1e-8, "gtol": 1e-5},
    )
    points[free] = found.x
    return points
