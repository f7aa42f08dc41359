"""The points that no other is better than in every objective."""

from __future__ import annotations

import numpy as np


__all__ = ["is_nondominated", "reference_point"]


def is_nondominated(values: np.ndarray) -> np.ndarray:
    """
    Return which points no other dominates; of equal ones all are told.

    Args:
        values: Objectives, each to be small. Shape ``(n, k)``.

    Returns:
        Shape ``(n,)``.
    """
    no_worse = (values[:, None] <= values[None]).all(-1)
    better = (values[:, None] < values[None]).any(-1)
    return np.asarray(~(no_worse & better).any(0))


def reference_point(values: np.ndarray) -> np.ndarray:
    """
    Return a point that is a little worse than the front in each objective.

    It is the worst of the front and a tenth of its range, or of the range of all where the front
    has none.

    Args:
        values: Objectives, each to be small. Shape ``(n, k)``; *n* is at least 1.

    Returns:
        Shape ``(k,)``.

    Source:
        Ishibuchi et al., *How to Specify a Reference Point in Hypervolume Calculation*, 2018.
    """
    front = values[is_nondominated(values)]
    spread = np.ptp(front, axis=0)
    spread = np.where(spread > 0, spread, np.ptp(values, axis=0))
    return front.max(0) + 0.1 * np.where(spread > 0, spread, 1.0)
