"""Blocks that cut the channels apart, put them beside each other, or view them otherwise."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from .block import Along, Block, Chain


class Concat(Chain):
    """Puts what its parts compute beside its input."""

    def __init__(self, dim, *parts):
        super().__init__(*parts)
        self.dim = dim

    def forward(self, x):
        return torch.cat([x, super().forward(x)], self.dim)


class Branches(Block):
    """Puts what two blocks compute beside each other."""

    def __init__(self, dim, first, second):
        super().__init__()
        self.dim, self.first, self.second = dim, first, second

    def forward(self, x):
        return torch.cat([self.first(x), self.second(x)], self.dim)


class Twice(Along):
    """Puts a tensor beside itself."""

    def forward(self, x):
        return torch.cat([x, x], self.dim)


class Repeated(Along):
    """Repeats all channels, and changes nothing else."""

    def forward(self, x):
        return x.repeat(1, 2, *[1] * (x.dim() - 2)) if self.dim == 1 else x.repeat(1, 1, 2)


class RepeatedEach(Along):
    """Repeats each channel beside itself."""

    def forward(self, x):
        return x.repeat_interleave(2, self.dim)


class Interleaved(Along):
    """Puts each channel beside its negative."""

    def forward(self, x):
        dim = self.dim if self.dim > 0 else x.dim() - 1
        return torch.stack([x, -x], dim + 1).flatten(dim, dim + 1)


class HalvesMultiplied(Along):
    """Multiplies one half by the other."""

    def forward(self, x):
        first, second = x.chunk(2, self.dim)
        return first.tanh() * second


class HalvesSwapped(Along):
    """Exchanges the halves, of which one changes on the way."""

    def forward(self, x):
        first, second = x.chunk(2, self.dim)
        return torch.cat([second, first.relu()], self.dim)


class HalvesApart(Along):
    """Changes one half, and leaves the other."""

    def forward(self, x):
        first, second = x.chunk(2, self.dim)
        return torch.cat([first.tanh(), second], self.dim)


class HalvesBySlice(Along):
    """Subtracts one half from the other, cut by the width of what comes in."""

    def forward(self, x):
        half = x.shape[self.dim] // 2
        return x.narrow(self.dim, 0, half) - x.narrow(self.dim, half, half)


class ThirdsAdded(Along):
    """Adds three thirds with different signs."""

    def forward(self, x):
        first, second, third = x.split(x.shape[self.dim] // 3, self.dim)
        return first + second - third.relu()


class PartApart(Block):
    """Changes the first *size* channels, a number of its own, and leaves the rest."""

    def __init__(self, dim, size):
        super().__init__()
        self.dim, self.size = dim, size

    def forward(self, x):
        rest = x.shape[self.dim] - self.size
        first, second = x.split([self.size, rest], self.dim)
        return torch.cat([first.tanh(), second], self.dim)


class PartsDropped(Block):
    """Keeps the channels from *start* to *stop*."""

    def __init__(self, dim, start, stop):
        super().__init__()
        self.dim, self.start, self.stop = dim, start, stop

    def forward(self, x):
        return x.narrow(self.dim, self.start, self.stop - self.start)


class LastDropped(Along):
    """Keeps all but the last channel."""

    def forward(self, x):
        return x[..., :-1] if self.dim == -1 else x[:, :-1]


class Padded(Along):
    """Adds a channel of zeros."""

    def forward(self, x):
        x = x.movedim(self.dim, -1)
        return F.pad(x, (0, 1)).movedim(-1, self.dim)


class TimesSum(Along):
    """Scales each channel by what all sum to."""

    def forward(self, x):
        return x * x.sum(self.dim, keepdim=True).tanh()


class TimesMean(TimesSum):
    """Scales each channel by the mean of all."""

    ignores_zero = False

    def forward(self, x):
        return x * x.mean(self.dim, keepdim=True).tanh()


class LessTheLargest(Along):
    """Subtracts from each channel the largest."""

    ignores_zero = False

    def forward(self, x):
        return x - x.amax(self.dim, keepdim=True)


class SoftMax(Along):
    """Makes the channels add up to 1."""

    ignores_zero = False

    def forward(self, x):
        return x.softmax(self.dim)


class Pixels(Block):
    """Turns channels into places and averages them away."""

    def forward(self, x):
        return F.avg_pool2d(F.pixel_shuffle(x, 2), 2)


class PixelsBack(Block):
    """Turns places into channels, after as many places were made of each."""

    def forward(self, x):
        return F.pixel_unshuffle(F.interpolate(x, scale_factor=2), 2)


class ShuffledByTorch(Block):
    """Interleaves the two halves of the channels with torch's own operator."""

    def forward(self, x):
        return F.channel_shuffle(x, 2)


class Gram(Along):
    """Mixes the channels by their products over all places."""

    counts_ones = False  # `torch.einsum` multiplies element by element there

    def forward(self, x):
        x = x.movedim(self.dim, 1).flatten(2)
        gram = torch.einsum("ncl,nml->ncm", x, x).tanh()
        return torch.einsum("ncm,nml->ncl", gram, x)


class GramApplied(Gram):
    """The same, in the shape of the input."""

    def forward(self, x):
        return super().forward(x).view_as(x.movedim(self.dim, 1)).movedim(1, self.dim)


class AsTokens(Chain):
    """Runs its parts on a map whose places became tokens."""

    def forward(self, x):
        tokens = super().forward(x.flatten(2).transpose(1, 2))
        return tokens.transpose(1, 2).unflatten(2, x.shape[2:])


class AsMap(Chain):
    """Runs its parts on a signal whose places became a map."""

    def forward(self, x):
        return super().forward(x.unflatten(2, (4, 2))).flatten(2)


class AsSignal(Chain):
    """Runs its parts on tokens as a signal."""

    def forward(self, x):
        return super().forward(x.transpose(1, 2)).permute(0, 2, 1)


class GroupsNormalized(Block):
    """Normalises each half of the channels by a layer that is told only the size of one."""

    ignores_zero = False

    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width // 2)

    def forward(self, x):
        return self.norm(x.unflatten(-1, (2, -1))).flatten(-2)
