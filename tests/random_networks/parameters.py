"""Blocks with parameters and buffers of their own, without a layer around them."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from .block import Block


class LayerScale(Block):
    """Scales each channel of tokens."""

    def __init__(self, width):
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x * self.gamma


class Scaled(Block):
    """Scales and shifts each channel of a map or signal by parameters that broadcast."""

    def __init__(self, width, places):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width, *[1] * places))
        self.shift = nn.Parameter(torch.ones(1, width, *[1] * places))

    def forward(self, x):
        return x * self.scale + self.shift


class ClassToken(Block):
    """Puts a learnt token in front."""

    def __init__(self, width):
        super().__init__()
        self.token = nn.Parameter(torch.ones(1, 1, width))

    def forward(self, x):
        return torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1)


class Positions(Block):
    """Adds a learnt vector for each of at most 8 places."""

    def __init__(self, width):
        super().__init__()
        self.table = nn.Parameter(torch.ones(1, 32, width))

    def forward(self, x):
        return x + self.table[:, : x.shape[1]]


class PositionsByNumber(Block):
    """The same by looking the numbers of the places up."""

    def __init__(self, width):
        super().__init__()
        self.table = nn.Embedding(32, width)

    def forward(self, x):
        return x + self.table(torch.arange(x.shape[1]))


class RawLinear(Block):
    """A linear layer of the user's own."""

    def __init__(self, width, out):
        super().__init__()
        self.matrix = nn.Parameter(torch.ones(width, out))
        self.offset = nn.Parameter(torch.ones(out))

    def forward(self, x):
        return x @ self.matrix + self.offset


class Einsum(Block):
    """Mixes the channels of a map or signal with a raw matrix."""

    counts_ones = False  # `torch.einsum` multiplies element by element there

    def __init__(self, width, out):
        super().__init__()
        self.matrix = nn.Parameter(torch.ones(out, width))

    def forward(self, x):
        return torch.einsum("nc...,dc->nd...", x, self.matrix)


class PerHead(Block):
    """Mixes the channels inside each head with a matrix of its own."""

    counts_ones = False  # `torch.einsum` multiplies element by element there

    def __init__(self, heads, size, out):
        super().__init__()
        self.matrix = nn.Parameter(torch.ones(heads, size, out))

    def forward(self, x):
        heads = x.unflatten(-1, (-1, self.matrix.shape[1]))
        return torch.einsum("nlhc,hcd->nlhd", heads, self.matrix).flatten(-2)


class Masked(Block):
    """Multiplies each channel by a number that is no parameter."""

    def __init__(self, width, places, *, persistent=True):
        super().__init__()
        mask = torch.linspace(-1, 1, width).reshape(-1, *[1] * places)
        self.register_buffer("mask", mask, persistent=persistent)

    def forward(self, x):
        return x * self.mask


class Rotary(Block):
    """Turns pairs of channels, half the width apart, by an angle that grows with the place."""

    def __init__(self, width):
        super().__init__()
        speed = 0.7 ** torch.arange(width // 2)
        angles = torch.outer(torch.arange(32), speed).repeat(1, 2)
        self.register_buffer("cosine", angles.cos())
        self.register_buffer("sine", angles.sin(), persistent=False)

    def forward(self, x):
        first, second = x.chunk(2, -1)
        turned = torch.cat([-second, first], -1)
        return x * self.cosine[: x.shape[1]] + turned * self.sine[: x.shape[1]]


class RotaryPairs(Block):
    """The same for neighbours, by a tensor made while it runs."""

    def __init__(self, width):
        super().__init__()
        self.register_buffer("speed", 0.7 ** torch.arange(width // 2))

    def forward(self, x):
        angles = torch.arange(x.shape[1])[:, None] * self.speed
        pairs = x.unflatten(-1, (-1, 2))
        even, odd = pairs[..., 0], pairs[..., 1]
        turned = even * angles.cos() - odd * angles.sin(), even * angles.sin() + odd * angles.cos()
        return torch.stack(turned, -1).flatten(-2)


class FourierMixed(Block):
    """Keeps the real part of a Fourier transform over the channels."""

    def forward(self, x):
        return torch.fft.fft(x, dim=-1).real


class RawConvolution(Block):
    """A depthwise convolution of the user's own, whose number of groups is the width it meets."""

    def __init__(self, width):
        super().__init__()
        self.kernel = nn.Parameter(torch.ones(width, 1, 3))

    def forward(self, x):
        return F.conv1d(x, self.kernel, padding=1, groups=x.shape[1])
