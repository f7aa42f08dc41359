"""Linear layers whose features follow hparams."""

from typing import Any, final

import torch
from torch import nn

from espalier.dynamic import DynamicModule, follows

from .rules import FeatureRule


@final
class DynamicLinear(DynamicModule, nn.Linear):
    """A linear layer with searchable features."""

    sizes = {
        "out_features": follows("weight", axis=0),
        "in_features": follows("weight", axis=1),
    }
    rule = FeatureRule

    @classmethod
    def example_inputs(cls, module: Any) -> torch.Tensor:
        """Return one sample, on ``meta``."""
        return torch.empty(1, module.in_features, dtype=module.weight.dtype, device="meta")
