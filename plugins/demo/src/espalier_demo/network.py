"""A ResNet-20 for grey-scale pictures."""

from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as F


#: Channels of the three stages.
WIDTHS = (16, 32, 64)

#: Residual blocks in each stage: 1 stem, 3 stages of 3 blocks of 2 convolutions, 1 linear layer.
BLOCKS = 3


@final
class ResidualBlock(nn.Module):
    """
    Two 3x3 convolutions with batch normalisation, beside a shortcut.

    Args:
        before: Channels that come in.

        after: Channels that go out.

        stride: Of the first convolution and of the shortcut.
    """

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(after)
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or before != after:
            self.shortcut = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Take shape ``(N, before, H, W)``, return ``(N, after, H / stride, W / stride)``."""
        inner = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(inner)) + self.shortcut(x))


@final
class ResNet20(nn.Module):
    """
    The residual network of 20 layers for small pictures, with 1x1 convolutions as shortcuts.

    Args:
        classes: How many kinds of pictures to tell apart.

    Source:
        He et al., *Deep Residual Learning for Image Recognition*, CVPR 2016, arXiv:1512.03385,
        section 4.2, with its option B for shortcuts.
    """

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, WIDTHS[0], 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(WIDTHS[0])
        self.stage1 = _stage(WIDTHS[0], WIDTHS[0], stride=1)
        self.stage2 = _stage(WIDTHS[0], WIDTHS[1], stride=2)
        self.stage3 = _stage(WIDTHS[1], WIDTHS[2], stride=2)
        self.head = nn.Linear(WIDTHS[2], classes)

    def forward(self, x: Tensor) -> Tensor:
        """Take shape ``(N, 1, H, W)``, return logits of shape ``(N, classes)``."""
        x = F.relu(self.norm(self.stem(x)))
        x = self.stage3(self.stage2(self.stage1(x)))
        return self.head(x.mean((2, 3)))


def seeded_network(seed: int) -> ResNet20:
    """Return a network whose weights depend on *seed* alone; the global generator is kept."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ResNet20()


def _stage(before: int, after: int, *, stride: int) -> nn.Sequential:
    rest = [ResidualBlock(after, after, 1) for _ in range(BLOCKS - 1)]
    return nn.Sequential(ResidualBlock(before, after, stride), *rest)
