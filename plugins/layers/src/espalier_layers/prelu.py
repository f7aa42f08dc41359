"""Rectifiers with learnt slopes, whose channels follow hparams."""

from typing import Any, final

import torch
from torch import nn

from espalier.dynamic import DynamicModule, follows

from .rules import ChannelRule


@final
class DynamicPReLU(DynamicModule, nn.PReLU):
    """A slope for each channel; a single one for all of them stays single."""

    sizes = {"num_parameters": follows("weight", axis=0)}
    rule = ChannelRule

    @classmethod
    def example_inputs(cls, module: Any) -> torch.Tensor:
        """Return one sample, on ``meta``."""
        return torch.empty(1, module.num_parameters, dtype=module.weight.dtype, device="meta")
