"""Group normalisation whose groups, and channels of each, follow hparams."""

from typing import Any, final

import torch
from torch import nn

from espalier.dynamic import DynamicModule, argument

from .rules import ChannelRule


@final
class DynamicGroupNorm(DynamicModule, nn.GroupNorm):
    """Group normalisation: ``num_channels`` is ``num_groups`` times the channels of a group."""

    sizes = {"num_channels": argument("C"), "num_groups": argument("group")}
    rule = ChannelRule

    @classmethod
    def example_inputs(cls, module: Any) -> torch.Tensor:
        """Return one sample of extent 2 (one value has no variance), on ``meta``."""
        dtype = None if module.weight is None else module.weight.dtype
        return torch.empty(1, module.num_channels, 2, dtype=dtype, device="meta")
