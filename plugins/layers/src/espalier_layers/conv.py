"""Convolutions whose channels, groups and kernel follow hparams."""

from typing import Any, final

import torch
from torch import nn

from espalier.dynamic import DynamicModule, argument, follows

from .kernel_size import KernelSize
from .rules import ConvRule


class _DynamicConv(DynamicModule):
    """The weight is ``(out_channels, in_channels / groups, *kernel_size)``."""

    sizes = {
        "out_channels": follows("weight", axis=0),
        "in_channels": argument("groups") * follows("weight", axis=1),
        "groups": argument("groups"),
    }
    further = {"kernel_size": KernelSize()}
    rule = ConvRule

    @classmethod
    def example_inputs(cls, module: Any) -> torch.Tensor:
        """Return one sample larger than the kernel's reach and than the padding, on ``meta``."""
        named = isinstance(module.padding, str)  # "same" pads by less than the kernel reaches
        padding = [0] * len(module.kernel_size) if named else module.padding
        axes = zip(module.kernel_size, module.dilation, padding, strict=True)
        extents = [d * (k - 1) + 1 + p for k, d, p in axes]
        shape = (1, module.in_channels, *extents)
        return torch.empty(shape, dtype=module.weight.dtype, device="meta")


@final
class DynamicConv1d(_DynamicConv, nn.Conv1d):
    """A 1-d convolution with searchable channels and kernel."""


@final
class DynamicConv2d(_DynamicConv, nn.Conv2d):
    """A 2-d convolution with searchable channels and kernel."""


@final
class DynamicConv3d(_DynamicConv, nn.Conv3d):
    """A 3-d convolution with searchable channels and kernel."""
