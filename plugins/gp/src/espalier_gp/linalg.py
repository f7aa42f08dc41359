"""Factorise kernel matrices, which may be singular in floating point."""

from __future__ import annotations

import torch
from torch import Tensor

from espalier.errors import SamplerError


__all__ = ["NotPositiveDefiniteError", "cholesky"]

#: Added to the diagonal, relative to its mean, until the factorisation succeeds.
_JITTERS = (0.0, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2)


class NotPositiveDefiniteError(SamplerError):
    """A kernel matrix could not be factorised, whatever was added to its diagonal."""


def cholesky(matrix: Tensor) -> Tensor:
    """
    Return the lower Cholesky factors of a batch of matrices.

    Where one is not positive definite in floating point, a growing jitter is added to its
    diagonal, to it alone.

    Args:
        matrix: Symmetric. Shape ``(..., n, n)``.

    Raises:
        NotPositiveDefiniteError: If one can't be factorised with the largest jitter either.
    """
    factor, info = torch.linalg.cholesky_ex(matrix)
    if not info.any() and bool(factor.isfinite().all()):
        return factor
    size = matrix.diagonal(dim1=-2, dim2=-1).mean(-1)[..., None, None]
    identity = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
    for jitter in _JITTERS[1:]:
        again, more = torch.linalg.cholesky_ex(matrix + jitter * size * identity)
        failed = (info != 0) | ~factor.isfinite().all((-2, -1))
        factor = torch.where(failed[..., None, None], again, factor)
        info = torch.where(failed, more, info)
        if not info.any() and bool(factor.isfinite().all()):
            return factor
    raise NotPositiveDefiniteError(
        f"a kernel matrix of {matrix.shape[-1]} points must be positive definite, and is not with "
        f"{_JITTERS[-1]:g} of its diagonal added to it. Give the likelihood more noise."
    )
