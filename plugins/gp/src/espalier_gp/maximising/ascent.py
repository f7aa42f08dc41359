"""Take points to where their score is larger."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch

from ..climbing import Box, Steps, climb


if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Score", "ascend", "scores"]

#: Tells how good points are: from shape ``(m, d)`` to ``(m,)``, differentiable.
Score: TypeAlias = "Callable[[torch.Tensor], torch.Tensor]"

#: No column moves further in one step, nor in the first; steps that promise less are not taken.
_STRIDE, _FIRST, _ENOUGH = 0.5, 0.1, 1e-3


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
    Return where the score leads to from each start, within a box.

    Args:
        score: What is to be large.

        starts: Shape ``(k, d)``.

        free: Which columns of which start may move. Shape ``(k, d)``.

        lower: The least of each column. Shape ``(d,)``.

        upper: The most of each column. Shape ``(d,)``.

        iterations: How many evaluations at most.

    Returns:
        Shape ``(k, d)``; none has a smaller score than its start, moved into the box, had.
    """

    def judge(points: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        del at  # it is the same from every start
        inputs = torch.from_numpy(points.copy()).requires_grad_()
        found = score(inputs)
        (gradient,) = torch.autograd.grad(found.sum(), inputs)
        values, slopes = found.detach().numpy(), gradient.numpy()
        values = np.where(np.isnan(values), -np.inf, values)
        return values, np.where(np.isfinite(slopes), slopes, 0.0)

    steps = Steps(_STRIDE, _FIRST, _ENOUGH, iterations)
    return climb(judge, starts, free, Box(lower, upper), steps).points
