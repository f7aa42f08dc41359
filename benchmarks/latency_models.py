"""Small networks of different kinds whose latency is bounded."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def mlp() -> nn.Module:
    """Return a perceptron for shape ``(N, 512)``."""
    return nn.Sequential(
        nn.Linear(512, 1024),
        nn.ReLU(),
        nn.Linear(1024, 1024),
        nn.ReLU(),
        nn.Linear(1024, 512),
        nn.ReLU(),
        nn.Linear(512, 10),
    )


def _separable(before: int, after: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, before, 3, stride, padding=1, groups=before, bias=False),
        nn.BatchNorm2d(before),
        nn.ReLU(),
        nn.Conv2d(before, after, 1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
    )


class DepthwiseNet(nn.Module):
    """
    Depthwise separable convolutions for pictures of 32 pixels.

    Source:
        The block of Howard et al., *MobileNets*, arXiv:1704.04861.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, padding=1)
        self.blocks = nn.Sequential(
            _separable(32, 64, 1),
            _separable(64, 128, 2),
            _separable(128, 128, 1),
            _separable(128, 256, 2),
            _separable(256, 256, 1),
        )
        self.head = nn.Linear(256, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Take shape ``(N, 3, 32, 32)``, return shape ``(N, 10)``."""
        return self.head(self.blocks(F.relu(self.stem(x))).mean((2, 3)))


class Layer(nn.Module):
    """A layer of a transformer, with normalisation first."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Take and return shape ``(N, tokens, width)``."""
        inner = self.norm1(x)
        parts = [
            layer(inner).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        ]
        mixed = F.scaled_dot_product_attention(*parts).transpose(1, 2).flatten(2)
        x = x + self.out(mixed)
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class SmallViT(nn.Module):
    """A vision transformer for pictures of 32 pixels in patches of 4."""

    def __init__(self, width: int = 128, layers: int = 4) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, 4, 4)
        self.token = nn.Parameter(torch.randn(1, 1, width))
        self.places = nn.Parameter(torch.randn(1, 65, width))
        self.layers = nn.Sequential(*(Layer(width, 4) for _ in range(layers)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Take shape ``(N, 3, 32, 32)``, return shape ``(N, 10)``."""
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1) + self.places
        return self.head(self.norm(self.layers(x))[:, 0])


class Tagger(nn.Module):
    """An LSTM that tells a kind for each token."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(100, 128)
        self.rnn = nn.LSTM(128, 256, num_layers=2, batch_first=True)
        self.hidden = nn.Linear(256, 256)
        self.head = nn.Linear(256, 20)

    def forward(self, tokens: Tensor) -> Tensor:
        """Take shape ``(N, tokens)``, return shape ``(N, tokens, 20)``."""
        found, _ = self.rnn(self.words(tokens))
        return self.head(F.relu(self.hidden(found)))
