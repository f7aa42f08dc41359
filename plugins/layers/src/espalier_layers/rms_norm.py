"""Root-mean-square normalisation whose features follow hparams."""

from typing import Any, final

import torch
from torch import nn

from espalier.dynamic import DynamicModule, argument

from .rules import FeatureRule


@final
class DynamicRMSNorm(DynamicModule, nn.RMSNorm):
    """Root-mean-square normalisation with searchable features, over any number of axes."""

    sizes = {"normalized_shape": argument("normalized_shape")}
    rule = FeatureRule

    @classmethod
    def example_inputs(cls, module: Any) -> torch.Tensor:
        """Return one sample, on ``meta``."""
        dtype = None if module.weight is None else module.weight.dtype
        return torch.empty(1, *module.normalized_shape, dtype=dtype, device="meta")
