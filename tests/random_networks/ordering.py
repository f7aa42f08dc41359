"""Blocks in which the order of the channels matters."""

from __future__ import annotations

import torch

from .block import Along, Block


class Flip(Along):
    """Reverses the channels."""

    def forward(self, x):
        return x.flip(self.dim)


class Roll(Block):
    """Moves the channels on, the last ones to the front."""

    def __init__(self, dim, shift):
        super().__init__()
        self.dim, self.shift = dim, shift

    def forward(self, x):
        return x.roll(self.shift, self.dim)


class Permuted(Block):
    """Picks the channels by a list of indices, each once."""

    def __init__(self, dim, order):
        super().__init__()
        self.dim, self.order = dim, order

    def forward(self, x):
        if self.dim == 1:
            return x[:, self.order]
        return x.index_select(self.dim, torch.tensor(self.order))


class PermutedByBuffer(Block):
    """The same by a buffer, whose entries are units that no zero can stand for."""

    keeps_zero = False

    def __init__(self, dim, order):
        super().__init__()
        self.dim = dim
        self.register_buffer("order", torch.tensor(order))

    def forward(self, x):
        return x.index_select(self.dim, self.order)


class EveryOther(Along):
    """Drops every second channel."""

    def forward(self, x):
        return x[..., ::2] if self.dim == -1 else x[:, ::2]


class EvenAndOdd(Along):
    """Puts the channels of even number before the odd ones, and changes one of the two."""

    def forward(self, x):
        x = x.movedim(self.dim, 0)
        return torch.cat([x[::2], x[1::2].relu()]).movedim(0, self.dim)


class RunningSum(Along):
    """Adds all channels before each."""

    def forward(self, x):
        return x.cumsum(self.dim)


class RunningMean(Along):
    """Takes the mean of each channel and those before it."""

    def forward(self, x):
        x = x.movedim(self.dim, -1)
        count = torch.arange(1, x.shape[-1] + 1, dtype=x.dtype)
        return (x.cumsum(-1) / count).movedim(-1, self.dim)


class RunningMaximum(Along):
    """Takes the largest of each channel and those before it."""

    def forward(self, x):
        return x.cummax(self.dim).values


class Differences(Along):
    """Subtracts from each channel its neighbour."""

    def forward(self, x):
        x = x.movedim(self.dim, 0)
        return torch.cat([x[:1], x[1:] - x[:-1]]).movedim(0, self.dim)


class Triangle(Along):
    """Mixes channels by their products, each with those before it."""

    def forward(self, x):
        x = x.movedim(self.dim, -1)
        mixed = (x[..., :, None] * x[..., None, :]).tril(-1).sum(-1)
        return (x + mixed.tanh()).movedim(-1, self.dim)


class Sorted(Along):
    """Sorts the channels at each place."""

    def forward(self, x):
        return x.sort(self.dim).values


class Largest(Block):
    """Keeps the *count* largest channels at each place."""

    def __init__(self, dim, count):
        super().__init__()
        self.dim, self.count = dim, count

    def forward(self, x):
        return x.topk(self.count, self.dim).values


class MaxOut(Along):
    """Keeps the larger of two neighbours."""

    def forward(self, x):
        return x.unflatten(self.dim, (-1, 2)).amax(self.dim if self.dim < 0 else self.dim + 1)


class MaxOutOfHalves(Along):
    """Keeps the larger of channels that are half the width apart."""

    def forward(self, x):
        dim = self.dim if self.dim > 0 else x.dim() - 1
        return x.unflatten(dim, (2, -1)).amax(dim)


class Shuffle(Along):
    """Interleaves the two halves of the channels."""

    def forward(self, x):
        dim = self.dim if self.dim > 0 else x.dim() - 1
        return x.unflatten(dim, (2, -1)).transpose(dim, dim + 1).flatten(dim, dim + 1)


class Unshuffle(Along):
    """Undoes `Shuffle`."""

    def forward(self, x):
        dim = self.dim if self.dim > 0 else x.dim() - 1
        return x.unflatten(dim, (-1, 2)).transpose(dim, dim + 1).flatten(dim, dim + 1)


class Ramp(Along):
    """Weighs each channel by its number."""

    def forward(self, x):
        x = x.movedim(self.dim, -1)
        return (x * torch.arange(x.shape[-1]).to(x.dtype)).movedim(-1, self.dim)
