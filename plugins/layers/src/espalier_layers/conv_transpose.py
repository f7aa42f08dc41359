"""Transposed convolutions whose channels, groups and kernel follow hparams."""

from typing import Any, final

import torch
from torch import nn

from espalier.dynamic import DynamicModule, argument, follows

from .kernel_size import KernelSize
from .rules import ConvRule


class _DynamicConvTranspose(DynamicModule):
    """The weight is ``(in_channels, out_channels / groups, *kernel_size)``."""

    sizes = {
        "out_channels": argument("groups") * follows("weight", axis=1),
        "in_channels": follows("weight", axis=0),
        "groups": argument("groups"),
    }
    further = {"kernel_size": KernelSize()}
    rule = ConvRule

    @classmethod
    def example_inputs(cls, module: Any) -> torch.Tensor:
        """Return one sample that the padding, which cuts both sides, can't use up, on ``meta``."""
        extents = [2 * p + 2 for p in module.padding]
        shape = (1, module.in_channels, *extents)
        return torch.empty(shape, dtype=module.weight.dtype, device="meta")


@final
class DynamicConvTranspose1d(_DynamicConvTranspose, nn.ConvTranspose1d):
    """A transposed 1-d convolution with searchable channels and kernel."""


@final
class DynamicConvTranspose2d(_DynamicConvTranspose, nn.ConvTranspose2d):
    """A transposed 2-d convolution with searchable channels and kernel."""


@final
class DynamicConvTranspose3d(_DynamicConvTranspose, nn.ConvTranspose3d):
    """A transposed 3-d convolution with searchable channels and kernel."""
