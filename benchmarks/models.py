"""The networks that are measured and that nobody else defines."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Bottleneck(nn.Module):
    """
    A 3x3 convolution between two 1x1 convolutions, beside a shortcut.

    Args:
        before: Channels that come in.

        inner: Channels of the 3x3 convolution.

        stride: Of the 3x3 convolution and of the shortcut.
    """

    def __init__(self, before: int, inner: int, stride: int) -> None:
        super().__init__()
        after = 4 * inner
        self.reduce = nn.Conv2d(before, inner, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(inner)
        self.conv = nn.Conv2d(inner, inner, 3, stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(inner)
        self.expand = nn.Conv2d(inner, after, 1, bias=False)
        self.norm3 = nn.BatchNorm2d(after)
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or before != after:
            self.shortcut = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Take shape ``(N, before, H, W)``, return ``(N, 4 * inner, H / stride, W / stride)``."""
        inner = F.relu(self.norm1(self.reduce(x)))
        inner = F.relu(self.norm2(self.conv(inner)))
        return F.relu(self.norm3(self.expand(inner)) + self.shortcut(x))


class ResNet50(nn.Module):
    """
    The residual network of 50 layers for pictures of 224 pixels.

    Source:
        He et al., *Deep Residual Learning for Image Recognition*, CVPR 2016, arXiv:1512.03385,
        table 1; the stride is in the 3x3 convolutions, as in most implementations.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 64, 7, 2, padding=3, bias=False)
        self.norm = nn.BatchNorm2d(64)
        blocks: list[nn.Module] = []
        before = 64
        for inner, count, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
            for i in range(count):
                blocks.append(Bottleneck(before, inner, stride if i == 0 else 1))
                before = 4 * inner
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(before, 1000)

    def forward(self, x: Tensor) -> Tensor:
        """Take shape ``(N, 3, H, W)``, return logits of shape ``(N, 1000)``."""
        x = F.max_pool2d(F.relu(self.norm(self.stem(x))), 3, 2, padding=1)
        return self.head(self.blocks(x).mean((2, 3)))


def resnet50_on_meta() -> tuple[nn.Module, Tensor]:
    """Return the network in eval mode and one picture, both without data."""
    with torch.device("meta"):
        return ResNet50().eval(), torch.empty(1, 3, 224, 224)
