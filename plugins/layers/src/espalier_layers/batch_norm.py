"""Batch normalisations whose channels follow hparams."""

from typing import Any, final

import torch
from torch import nn

from espalier.dynamic import DynamicModule, follows, follows_input

from .rules import FeatureRule


class _DynamicBatchNorm(DynamicModule):
    """Scale, shift and running statistics are of shape ``(num_features,)``; all are optional."""

    sizes = {
        "num_features": follows(
            "weight", axis=0, otherwise=follows("running_mean", axis=0, otherwise=follows_input(1))
        ),
    }
    rule = FeatureRule
    writes_in_eval = False
    _spatial = 0

    @classmethod
    def example_inputs(cls, module: Any) -> torch.Tensor:
        """Return two samples (one value has no variance), on ``meta``."""
        tensor = next((t for t in (module.weight, module.running_mean) if t is not None), None)
        dtype = None if tensor is None else tensor.dtype
        extents = [1] * cls._spatial
        return torch.empty(2, module.num_features, *extents, dtype=dtype, device="meta")


@final
class DynamicBatchNorm1d(_DynamicBatchNorm, nn.BatchNorm1d):
    """Batch normalisation of ``(N, C)`` or ``(N, C, L)`` with searchable channels."""


@final
class DynamicBatchNorm2d(_DynamicBatchNorm, nn.BatchNorm2d):
    """Batch normalisation of ``(N, C, H, W)`` with searchable channels."""

    _spatial = 2


@final
class DynamicBatchNorm3d(_DynamicBatchNorm, nn.BatchNorm3d):
    """Batch normalisation of ``(N, C, D, H, W)`` with searchable channels."""

    _spatial = 3


@final
class DynamicSyncBatchNorm(_DynamicBatchNorm, nn.SyncBatchNorm):
    """Batch normalisation over all processes with searchable channels."""
