"""Fit hyper-parameters by the gradient, from several starts at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize

from .flat import Flat


if TYPE_CHECKING:
    from torch import Tensor

    from ..process import GaussianProcess

__all__ = ["fit"]


def fit(
    process: GaussianProcess,
    starts: np.ndarray,
    points: Tensor,
    values: Tensor,
    *,
    iterations: int = 60,
) -> tuple[np.ndarray, np.ndarray]:
    """
    Return the hyper-parameters that L-BFGS-B finds from each start, and how good they are.

    All starts are one problem, the sum of theirs: each evaluation is one batched factorisation.

    Args:
        process: With as many copies as there are starts; it is left with what was found.

        starts: Where to begin, on the scale of `Flat`. Shape ``(copies, size)``.

        points: Shape ``(n, d)``.

        values: Shape ``(n,)`` or ``(copies, n)``.

        iterations: How many at most.

    Returns:
        Shapes ``(copies, size)`` and ``(copies,)``: the negative log posterior density, infinite
        if a covariance can't be factorised.
    """
    flat = Flat(process)
    shape = starts.shape
    starts = np.clip(starts, flat.lower, flat.upper)
    best = [np.full(shape[0], np.inf), starts.copy()]

    def judge(vector: np.ndarray) -> tuple[float, np.ndarray]:
        rows = vector.reshape(shape)
        losses, gradient = flat.loss_and_gradient(rows, points, values)
        better = losses < best[0]
        best[0] = np.where(better, losses, best[0])
        best[1] = np.where(better[:, None], rows, best[1])
        total = float(losses.sum())
        return (total if np.isfinite(total) else 1e100), gradient.ravel()

    bounds = list(zip(np.tile(flat.lower, shape[0]), np.tile(flat.upper, shape[0]), strict=True))
    options = {"maxiter": iterations, "maxfun": 2 * iterations, "ftol": 1e-5, "gtol": 1e-2}
    minimize(judge, starts.ravel(), jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    flat.write(best[1])
    return best[1], best[0]
