"""Containers of blocks whose depth follows an hparam."""

from collections.abc import Iterable
from typing import final

from torch import nn

from espalier.dynamic import Chain


@final
class DynamicSequential(Chain, nn.Sequential):
    """Blocks that are run one after the other."""

    @classmethod
    def of_blocks(cls, blocks: Iterable[nn.Module]) -> nn.Module:
        """Return a plain container with *blocks*."""
        return nn.Sequential(*blocks)


@final
class DynamicModuleList(Chain, nn.ModuleList):  # type: ignore[misc]  # torch's slices are lists
    """A list of blocks that its owner runs one after the other."""
