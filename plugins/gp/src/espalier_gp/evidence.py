"""How likely observations are under a process."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .linalg import cholesky


__all__ = ["negative_log_evidence"]


def negative_log_evidence(covariance: Tensor, residuals: Tensor) -> Tensor:
    """
    Return the negative logarithm of a centred normal density.

    Args:
        covariance: Of the observations. Shape ``(copies, n, n)``.

        residuals: Observations less their means. Shape ``(copies, n)``.

    Returns:
        Shape ``(copies,)``.

    Raises:
        NotPositiveDefiniteError: If a covariance can't be factorised.

    Source:
        Rasmussen and Williams, *Gaussian Processes for Machine Learning*, 2006, equations 5.8
        and 5.9.
    """
    found: Tensor = _NegativeLogEvidence.apply(covariance, residuals)  # type: ignore[no-untyped-call]
    return found


class _NegativeLogEvidence(torch.autograd.Function):
    """
    The evidence with its gradient written down: no factorisation has to be differentiated.

    The derivative by the covariance is half of its inverse less the outer product of the weights,
    and that by the residuals the weights ``K**-1 r``.
    """

    @staticmethod
    def forward(ctx: Any, covariance: Tensor, residuals: Tensor) -> Tensor:
        factor = cholesky(covariance)
        weights = torch.cholesky_solve(residuals.unsqueeze(-1), factor).squeeze(-1)
        ctx.save_for_backward(factor, weights)
        half_log_determinant = factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        constant = 0.5 * math.log(2.0 * math.pi) * residuals.shape[-1]
        return 0.5 * (residuals * weights).sum(-1) + half_log_determinant + constant

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        factor, weights = ctx.saved_tensors
        inverse = torch.cholesky_inverse(factor)
        inverse.baddbmm_(weights.unsqueeze(-1), weights.unsqueeze(-2), alpha=-1.0)
        return (0.5 * grad)[:, None, None] * inverse, grad[:, None] * weights
