"""How likely a bound is kept."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


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
    found: Tensor = _LogNdtr.apply((bound - mean) / deviation)  # type: ignore[no-untyped-call]
    return found


class _LogNdtr(torch.autograd.Function):
    """
    The logarithm of ``Phi(z)``, whose derivative is ``sqrt(2 / pi) / erfcx(-z / sqrt(2))``.

    Torch's own derivative is ``exp(-log Phi(z) - z^2 / 2)`` times a constant, whose exponent
    has lost all its digits where *z* is around -1e8.
    """

    @staticmethod
    def forward(ctx: Any, z: Tensor) -> Tensor:
        ctx.save_for_backward(z)
        return torch.special.log_ndtr(z)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (z,) = ctx.saved_tensors
        return grad * (math.sqrt(2.0 / math.pi) / torch.special.erfcx(z * -math.sqrt(0.5)))
