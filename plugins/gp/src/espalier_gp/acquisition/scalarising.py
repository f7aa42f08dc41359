"""One number for many objectives."""

from __future__ import annotations

import numpy as np


__all__ = ["chebyshev"]

#: How much the sum counts beside the largest, in equation 2 of the paper.
_SUM = 0.05


def chebyshev(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """
    Return an augmented Chebyshev scalarisation with random weights.

    Args:
        values: Objectives, each to be small. Shape ``(n, k)``.

        rng: Draws the weights, evenly from the simplex.

    Returns:
        Shape ``(n,)``, to be small.

    Source:
        Knowles, *ParEGO*, IEEE Transactions on Evolutionary Computation 2006, equation 2.
    """
    spread = np.ptp(values, axis=0)
    scaled = (values - values.min(0)) / np.where(spread > 0, spread, 1.0)
    weighted = scaled * rng.dirichlet(np.ones(values.shape[1]))
    found: np.ndarray = weighted.max(1) + _SUM * weighted.sum(1)
    return found
