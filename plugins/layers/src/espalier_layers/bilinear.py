"""Bilinear layers whose features follow hparams."""

from typing import Any, final

import torch
from torch import nn

from espalier.dynamic import DynamicModule, follows

from .rules import FeatureRule


@final
class DynamicBilinear(DynamicModule, nn.Bilinear):
    """The weight is ``(out_features, in1_features, in2_features)``, all searchable."""

    sizes = {
        "out_features": follows("weight", axis=0),
        "in1_features": follows("weight", axis=1),
        "in2_features": follows("weight", axis=2),
    }
    rule = FeatureRule

    @classmethod
    def example_inputs(cls, module: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """Return one sample of each input, on ``meta``."""
        widths = (module.in1_features, module.in2_features)
        first, second = (
            torch.empty(1, width, dtype=module.weight.dtype, device="meta") for width in widths
        )
        return first, second
