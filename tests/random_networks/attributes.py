"""Blocks of a user who keeps sizes in attributes of his own, for which there is no converter."""

from __future__ import annotations

import torch
from torch import nn

from .block import Block


class ViewsByAttributes(Block):
    """Views tokens as heads by two numbers, mixes heads, and views them back by the product."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.head_dim, self.width = heads, width // heads, width
        self.mix = nn.Linear(width, width)

    def forward(self, x):
        batch, length, _ = x.shape
        cut = self.mix(x).view(batch, length, self.heads, self.head_dim)
        return (cut * cut.sum(2, keepdim=True).tanh()).reshape(batch, length, self.width)


class SplitsByAttribute(Block):
    """Splits the inner width by a number of its own."""

    def __init__(self, width, inner):
        super().__init__()
        self.inner = inner
        self.up, self.down = nn.Linear(width, 2 * inner), nn.Linear(inner, width)

    def forward(self, x):
        value, gate = self.up(x).split(self.inner, -1)
        return self.down(value.tanh() * gate)


class SlicesByAttribute(Block):
    """Cuts two unequal parts by a number of its own, and uses them apart."""

    def __init__(self, width, first, second):
        super().__init__()
        self.first = first
        self.both = nn.Linear(width, first + second)
        self.left, self.right = nn.Linear(first, width), nn.Linear(second, width)

    def forward(self, x):
        both = self.both(x)
        return self.left(both[..., : self.first]) - self.right(both[..., self.first :])


class ScalesByAttribute(Block):
    """Divides by the width that it was made with, kept as a number of its own."""

    ignores_zero = False

    def __init__(self, width, hidden):
        super().__init__()
        self.hidden = hidden
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x):
        hidden = self.up(x)
        return self.down(hidden.reshape(-1, self.hidden)).view_as(x) / self.hidden


class CountsPlaces(Block):
    """Repeats as often as an attribute says that has the size of its layer only by accident."""

    def __init__(self, width):
        super().__init__()
        self.repeats = width
        self.layer = nn.Linear(width, width)

    def forward(self, x):
        total = torch.zeros_like(x)
        for _ in range(self.repeats):
            total = total + x
        return self.layer(total / self.repeats)


class RolledByAttribute(Block):
    """Rolls the channels by half of the number that it was made with."""

    def __init__(self, width):
        super().__init__()
        self.width = width
        self.layer = nn.Linear(width, width)

    def forward(self, x):
        return self.layer(x).roll(self.width // 2, -1)


class NormalizesByAttribute(Block):
    """A layer norm of the user's own, which divides by a number of its own."""

    ignores_zero = False

    def __init__(self, width):
        super().__init__()
        self.width = width
        self.gain = nn.Parameter(torch.ones(width))

    def forward(self, x):
        x = x - x.sum(-1, keepdim=True) / self.width
        power = x.square().sum(-1, keepdim=True) / self.width
        return x * torch.rsqrt(power + 1e-5) * self.gain
