"""Fit times as sums of features that are never negative, and say how far off that is."""

from __future__ import annotations

from typing import final

import attrs
import numpy as np
from scipy.optimize import nnls


#: Penalties on the weights to choose from, for features between 0 and 1 and relative errors.
PENALTIES = (1e-4, 1e-2, 1e-1)

_FOLDS = 8


@final
@attrs.frozen(eq=False)
class Fit:
    """
    One way to tell times from features.

    Args:
        family: Name of the features.

        penalty: On the squares of the weights.

        weights: One for each feature, none negative, so a larger subnet never takes less time.

        error_percent: Cross-validated: the mean, over subnets that were left out of the fit, of
            how far off they were.

        worst_percent: The largest of those.
    """

    family: str
    penalty: float
    weights: np.ndarray
    error_percent: float
    worst_percent: float

    def predict(self, features: np.ndarray) -> float:
        """Return the time of a subnet with *features*, shape ``(features,)``."""
        return float(features @ self.weights)


def best_fit(features: dict[str, np.ndarray], times: np.ndarray) -> Fit:
    """
    Fit with every family and penalty, and return what is least off for subnets left out.

    Args:
        features: By family, each of shape ``(subnets, features)``.

        times: Shape ``(subnets,)``, all positive.
    """
    fits = []
    for family, table in features.items():
        for penalty in PENALTIES:
            errors = 100 * np.abs(left_out(table, times, penalty) / times - 1)
            weights = fitted(table, times, penalty)
            fits.append(Fit(family, penalty, weights, errors.mean(), errors.max()))
    return min(fits, key=lambda fit: fit.error_percent)


def left_out(table: np.ndarray, times: np.ndarray, penalty: float) -> np.ndarray:
    """Return for each subnet what a fit without it, and without some others, predicts."""
    found = np.empty(len(times))
    folds = np.arange(len(times)) % min(_FOLDS, len(times))
    for fold in range(folds.max() + 1):
        out = folds == fold
        found[out] = table[out] @ fitted(table[~out], times[~out], penalty)
    return found


def fitted(
    table: np.ndarray, times: np.ndarray, penalty: float, counts: np.ndarray | None = None
) -> np.ndarray:
    """
    Return the weights that are least off in relation to the times, none negative.

    Args:
        table: Features, shape ``(subnets, features)``.

        times: Shape ``(subnets,)``.

        penalty: On the squares of the weights.

        counts: How often each subnet counts; once where left out.
    """
    scale = np.sqrt(np.ones(len(times)) if counts is None else counts)
    rows = table * (scale / times)[:, None]
    ridge = np.sqrt(penalty) * np.eye(table.shape[1])
    target = np.concatenate([scale, np.zeros(table.shape[1])])
    weights, _ = nnls(np.concatenate([rows, ridge]), target)
    return weights
