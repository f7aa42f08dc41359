"""How likely a bound is kept."""

from __future__ import annotations

import torch
from torch import Tensor


__all__ = ["log_feasible"]


def log_feasible(mean: Tensor, deviation: Tensor, bound: Tensor | float) -> Tensor:
    """
    Return the logarithm of the probability that a normal value is at most *bound*.

    Args:
        mean: Any shape.

        deviation: Above 0. A shape that broadcasts with it.

        bound: A shape that broadcasts, too.

    Source:
        Gardner et al., *Bayesian Optimization with Inequality Constraints*, ICML 2014, equation
        6.
    """
    return torch.special.log_ndtr((bound - mean) / deviation)
