"""Expected improvement, by its logarithm."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


__all__ = ["log_ei"]

_HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)

#: Below so many deviations an asymptotic series takes the place of differences that cancel.
_FAR = 40.0


def log_ei(mean: Tensor, deviation: Tensor, best: Tensor) -> Tensor:
    """
    Return the logarithm of the expected improvement, ``log E[max(best - f, 0)]``.

    It is finite, and has a gradient, however small the improvement is.

    Args:
        mean: Of the normal distribution of ``f``, which is to be small. Any shape.

        deviation: Above 0. A shape that broadcasts with it.

        best: The value to improve on. A shape that broadcasts, too.

    Returns:
        The broadcast shape.

    Source:
        Ament et al., *Unexpected Improvements to Expected Improvement for Bayesian
        Optimization*, NeurIPS 2023, arXiv:2310.20708, equation 8.
    """
    improvement: Tensor = _LogH.apply((best - mean) / deviation)  # type: ignore[no-untyped-call]
    return improvement + deviation.log()


class _LogH(torch.autograd.Function):
    """
    The logarithm of ``h(z) = phi(z) + z Phi(z)``, whose derivative is ``Phi(z) / h(z)``.

    With ``t = -z`` and the Mills ratio ``m(t) = sqrt(pi / 2) erfcx(t / sqrt(2))``, ``h`` is
    ``phi(t) (1 - t m(t))`` and the derivative ``m(t) / (1 - t m(t))``.
    """

    @staticmethod
    def forward(ctx: Any, z: Tensor) -> Tensor:
        t = (-z).clamp_min(-1.0)
        mills = math.sqrt(0.5 * math.pi) * torch.special.erfcx(t * math.sqrt(0.5))
        inverse = t.clamp_min(_FAR).square().reciprocal()
        series = inverse * (1 - inverse * (3 - inverse * (15 - inverse * (105 - inverse * 945))))
        rest = torch.where(t > _FAR, series, 1.0 - t * mills)
        value = rest.log() - 0.5 * t.square() - _HALF_LOG_TWO_PI
        slope = mills / rest
        # Above 1 deviation nothing cancels.
        above = z.clamp_min(1.0)
        cumulative = torch.special.ndtr(above)
        density = (-0.5 * above.square() - _HALF_LOG_TWO_PI).exp()
        h = density + above * cumulative
        ctx.save_for_backward(torch.where(z > 1.0, cumulative / h, slope))
        return torch.where(z > 1.0, h.log(), value)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (slope,) = ctx.saved_tensors
        return grad * slope
