"""Possible results of trials that have none yet, and values behind noisy ones."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import torch

from .linalg import cholesky
from .posterior import Posterior


if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["believed", "fantasies", "noiseless"]


def fantasies(posterior: Posterior, pending: Tensor, sets: int, seed: int) -> Posterior:
    """
    Return the posterior after possible results of pending trials, drawn from it.

    Args:
        posterior: With a single set of values.

        pending: Their points. Shape ``(p, d)``.

        sets: How many possible results of each are drawn.

        seed: Of the random numbers.

    Source:
        Snoek, Larochelle and Adams, *Practical Bayesian Optimization of Machine Learning
        Algorithms*, NeurIPS 2012, arXiv:1206.2944, section 3.2.
    """
    mean, covariance = posterior.joint(pending)
    noisy = posterior.process.likelihood(covariance).detach()
    return _with(posterior, pending, _drawn(mean, noisy, sets, seed))


def believed(posterior: Posterior, pending: Tensor) -> Posterior:
    """Return the posterior as if pending trials, shape ``(p, d)``, had the results expected."""
    mean, _ = posterior.joint(pending)
    return _with(posterior, pending, mean)


def noiseless(posterior: Posterior, pending: Tensor, sets: int, seed: int) -> Posterior:
    """
    Return the posterior after the function's values without noise, drawn from it.

    Args:
        posterior: With a single set of values.

        pending: Points of trials without results, where values are drawn, too. Shape ``(p, d)``.

        sets: How many possible sets of values are drawn.

        seed: Of the random numbers.

    Source:
        Letham et al., *Constrained Bayesian Optimization with Noisy Experiments*, Bayesian
        Analysis 2019, arXiv:1706.07094, section 4.
    """
    points = torch.cat([posterior.points, pending])
    mean, covariance = posterior.joint(points)
    values = _drawn(mean, covariance, sets, seed)
    process = copy.deepcopy(posterior.process)
    noise = process.likelihood.noise
    noise.raw.set_data(torch.full((noise.copies, 1), noise.bounds[0], dtype=torch.float64))
    return Posterior.of(process, points, values)


def _drawn(mean: Tensor, covariance: Tensor, sets: int, seed: int) -> Tensor:
    """Return draws of a normal distribution. Shape ``(copies, sets, p)``."""
    rng = np.random.default_rng(seed)
    shape = (len(covariance), sets, covariance.shape[-1])
    return mean + torch.from_numpy(rng.standard_normal(shape)) @ cholesky(covariance).mT


def _with(posterior: Posterior, points: Tensor, values: Tensor) -> Posterior:
    """Return the posterior after more observations, ``(copies, sets, p)``, at *points*."""
    copies, sets, _ = values.shape
    known = posterior.values.expand(copies, sets, -1)
    everything = torch.cat([known, values], -1)
    for size in range(known.shape[-1] + 1, everything.shape[-1] + 1):
        point = points[size - known.shape[-1] - 1]
        posterior = posterior.extended(point, everything[..., :size])
    return posterior
