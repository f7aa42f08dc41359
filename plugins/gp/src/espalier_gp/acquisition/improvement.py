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
    found: Tensor = _LogEI.apply(mean, deviation, best)  # type: ignore[no-untyped-call]
    return found


class _LogEI(torch.autograd.Function):
    """
    ``log h(z) + log deviation``, of ``h(z) = phi(z) + z Phi(z)``.

    Here ``z`` is ``(best - mean) / deviation``. Its derivatives are ``Phi(z) / h(z)`` by *z*, and
    ``phi(z) / h(z)`` over the deviation by the deviation: what *z* changes by cancels.
    """

    @staticmethod
    def forward(ctx: Any, mean: Tensor, deviation: Tensor, best: Tensor) -> Tensor:
        z = (best - mean) / deviation
        value, cumulative, density = _log_h(z)
        ctx.save_for_backward(deviation, cumulative, density)
        ctx.shapes = mean.shape, deviation.shape, best.shape
        return value + deviation.log()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        deviation, cumulative, density = ctx.saved_tensors
        of_mean, of_deviation, of_best = ctx.shapes
        rate = grad / deviation
        slope = rate * cumulative
        by_best = slope.sum_to_size(of_best) if ctx.needs_input_grad[2] else None
        by_deviation = (rate * density).sum_to_size(of_deviation)
        return (-slope).sum_to_size(of_mean), by_deviation, by_best


def _log_h(z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """
    Return ``log h(z)``, ``Phi(z) / h(z)`` and ``phi(z) / h(z)``.

    With ``t = -z`` and the Mills ratio ``m(t) = sqrt(pi / 2) erfcx(t / sqrt(2))``, ``h`` is
    ``phi(t) (1 - t m(t))``; so the ratios are ``m(t)`` and 1, over ``1 - t m(t)``.
    """
    t = (-z).clamp_min(-1.0)
    mills = torch.special.erfcx(t * math.sqrt(0.5)).mul_(math.sqrt(0.5 * math.pi))
    rest = 1.0 - t * mills
    if bool((t > _FAR).any()):
        inverse = t.clamp_min(_FAR).square().reciprocal()
        series = inverse * (1 - inverse * (3 - inverse * (15 - inverse * (105 - inverse * 945))))
        rest = torch.where(t > _FAR, series, rest)
    found = rest.log() - 0.5 * t.square() - _HALF_LOG_TWO_PI, mills / rest, rest.reciprocal()
    above = z > 1.0
    if not bool(above.any()):
        return found
    # Above 1 deviation nothing cancels.
    high = z.clamp_min(1.0)
    cumulative = torch.special.ndtr(high)
    density = (-0.5 * high.square() - _HALF_LOG_TWO_PI).exp()
    h = density + high * cumulative
    others = h.log(), cumulative / h, density / h
    value, of_cumulative, of_density = (
        torch.where(above, own, other) for own, other in zip(others, found, strict=True)
    )
    return value, of_cumulative, of_density
