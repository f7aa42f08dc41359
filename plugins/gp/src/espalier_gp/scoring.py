"""Acquisition functions of posteriors: how good it would be to try a point."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, final

import attrs
import torch

from .acquisition.confidence import confidence
from .acquisition.feasible import log_feasible
from .acquisition.hypervolume import log_ehvi
from .acquisition.improvement import log_ei


if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from .maximising.ascent import Score
    from .posterior import Posterior

__all__ = ["Confidence", "Constrained", "Feasible", "Hypervolume", "Improvement", "smoothed"]


@final
@attrs.frozen(eq=False)
class Improvement:
    """
    Log expected improvement, over all sets of values and copies of hyper-parameters.

    Attributes:
        posterior: Of an objective that is to be small.

        best: What is to be improved on. Shape ``(copies, sets, 1)``.
    """

    posterior: Posterior
    best: Tensor

    def __call__(self, points: Tensor) -> Tensor:
        """Return the score of points, shape ``(m, d)``: shape ``(m,)``."""
        mean, variance = self.posterior.predict(points)
        return _mean_of_logs(log_ei(mean, variance.sqrt(), self.best))


@final
@attrs.frozen(eq=False)
class Confidence:
    """
    The upper confidence bound of how good a point is.

    Attributes:
        posterior: Of an objective that is to be small.

        beta: The square of how many deviations are allowed for.
    """

    posterior: Posterior
    beta: float

    def __call__(self, points: Tensor) -> Tensor:
        """Return the score of points, shape ``(m, d)``: shape ``(m,)``."""
        mean, variance = self.posterior.predict(points)
        return confidence(mean, variance.sqrt(), self.beta).mean((0, 1))


@final
@attrs.frozen(eq=False)
class Hypervolume:
    """
    Log expected improvement of the dominated volume.

    Attributes:
        posteriors: Of the objectives, each to be small, with a single set of values.

        lower: Of the boxes that are not dominated. Shape ``(c, k)``.

        upper: Shape ``(c, k)``.
    """

    posteriors: Sequence[Posterior]
    lower: Tensor
    upper: Tensor

    def __call__(self, points: Tensor) -> Tensor:
        """Return the score of points, shape ``(m, d)``: shape ``(m,)``."""
        told = [posterior.predict(points) for posterior in self.posteriors]
        mean = torch.stack([mean for mean, _ in told], -1)
        deviation = torch.stack([variance.sqrt() for _, variance in told], -1)
        return _mean_of_logs(log_ehvi(mean, deviation, self.lower, self.upper))


@final
@attrs.frozen(eq=False)
class Feasible:
    """
    The logarithm of the probability that bounds are kept.

    Attributes:
        limits: The posterior and the upper bound of each metric, on the posterior's scale.
    """

    limits: Sequence[tuple[Posterior, float]]

    def __call__(self, points: Tensor) -> Tensor:
        """Return the score of points, shape ``(m, d)``: shape ``(m,)``."""
        found = []
        for posterior, bound in self.limits:
            mean, variance = posterior.predict(points)
            found.append(_mean_of_logs(log_feasible(mean, variance.sqrt(), bound)))
        return torch.stack(found).sum(0)


@final
@attrs.frozen(eq=False)
class Constrained:
    """
    A log improvement, times the probability that bounds are kept.

    Attributes:
        score: The improvement, by its logarithm.

        feasible: The probability.
    """

    score: Score
    feasible: Feasible

    def __call__(self, points: Tensor) -> Tensor:
        """Return the score of points, shape ``(m, d)``: shape ``(m,)``."""
        return self.score(points) + self.feasible(points)


def smoothed(posterior: Posterior) -> Tensor:
    """
    Return the posterior means where was observed: the observations without their noise.

    Returns:
        Shape ``(copies, sets, n)``.
    """
    noise = posterior.process.likelihood.noise.value().detach()
    return posterior.values - noise[:, :, None] * posterior.weights


def _mean_of_logs(logs: Tensor) -> Tensor:
    """Return the logarithm of the mean over copies and sets. ``(copies, sets, m)``: ``(m,)``."""
    count = logs.shape[0] * logs.shape[1]
    if count == 1:
        return logs[0, 0]
    return torch.logsumexp(logs, (0, 1)) - math.log(count)
