"""Instance normalisations whose channels follow hparams."""

from typing import Any, final

import torch
from torch import nn

from espalier.dynamic import DynamicModule, SizeRule, follows, follows_input

from .rules import FeatureRule


def _sizes(spatial: int) -> dict[str, SizeRule]:
    # From the end, because the input may come without a batch.
    channels = follows_input(-1 - spatial)
    tracked = follows("running_mean", axis=0, otherwise=channels)
    return {"num_features": follows("weight", axis=0, otherwise=tracked)}


class _DynamicInstanceNorm(DynamicModule):
    """Scale, shift and running statistics are of shape ``(num_features,)``; all are optional."""

    rule = FeatureRule
    writes_in_eval = False
    _spatial = 1

    @classmethod
    def example_inputs(cls, module: Any) -> torch.Tensor:
        """Return one sample of extent 2 (one value has no variance), on ``meta``."""
        tensor = next((t for t in (module.weight, module.running_mean) if t is not None), None)
        dtype = None if tensor is None else tensor.dtype
        extents = [2] * cls._spatial
        return torch.empty(1, module.num_features, *extents, dtype=dtype, device="meta")


@final
class DynamicInstanceNorm1d(_DynamicInstanceNorm, nn.InstanceNorm1d):
    """Instance normalisation of ``(N, C, L)`` with searchable channels."""

    sizes = _sizes(spatial=1)


@final
class DynamicInstanceNorm2d(_DynamicInstanceNorm, nn.InstanceNorm2d):
    """Instance normalisation of ``(N, C, H, W)`` with searchable channels."""

    sizes = _sizes(spatial=2)
    _spatial = 2


@final
class DynamicInstanceNorm3d(_DynamicInstanceNorm, nn.InstanceNorm3d):
    """Instance normalisation of ``(N, C, D, H, W)`` with searchable channels."""

    sizes = _sizes(spatial=3)
    _spatial = 3
