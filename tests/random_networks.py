"""Convolutional networks put together at random, for tests of properties."""

from __future__ import annotations

import torch
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from tests.networks import Concat, Residual, normed


class Op(nn.Module):
    """A function of ``(N, C, H, W)`` with a name that a failing example shows."""

    def __init__(self, name, function):
        super().__init__()
        self.name, self.forward = name, function

    def extra_repr(self):
        return self.name


class Gate(nn.Module):
    """Scales each channel by what all channels say (squeeze and excitation)."""

    def __init__(self, channels):
        super().__init__()
        self.squeeze, self.excite = nn.Linear(channels, 4), nn.Linear(4, channels)

    def forward(self, x):
        scale = torch.sigmoid(self.excite(F.relu(self.squeeze(x.mean((2, 3))))))
        return x * scale[:, :, None, None]


def multiply_halves(x):
    first, second = x.chunk(2, 1)
    return first * second


def add_thirds(x):
    first, second, third = x.split(x.shape[1] // 3, 1)
    return first + second - third


def shuffle(x):
    return x.unflatten(1, (2, -1)).transpose(1, 2).flatten(1, 2)


def largest_of_pairs(x):
    return x.unflatten(1, (-1, 2)).amax(2)


def slices(x):
    return x[:, : x.shape[1] // 2] - x[:, x.shape[1] // 2 :]


def fixed_slice(x):
    return torch.cat([x[:, :3], x[:, 3:] * 2], 1)


def interleave(x):
    return torch.stack([x, -x], 2).flatten(1, 2)


def weighted_by_position(x):
    return x.cumsum(1)


def flip(x):
    return x.flip(1)


def roll(x):
    return x.roll(1, 1)


def every_other(x):
    return x[:, ::2]


def twice(x):
    return x.repeat(1, 2, 1, 1)


def gated(x):
    return F.glu(x, 1)


def pooled(x):
    return F.max_pool2d(x, 3, 1, 1)


def pixels(x):
    return F.avg_pool2d(F.pixel_shuffle(x, 2), 2)


def times_sum(x):
    return x * x.sum(1, keepdim=True)


#: Function, what the number of channels must be a multiple of, and how many come out for each.
#: Operators that depend on the order of channels are here too: their channels must stay.
def swap_halves(x):
    """Exchange the halves, of which one changes on the way."""
    first, second = x.chunk(2, 1)
    return torch.cat([second, first.relu()], 1)


OPERATORS = [
    (F.relu, 1, 1.0),
    (pooled, 1, 1.0),
    (times_sum, 1, 1.0),
    (twice, 1, 2.0),
    (interleave, 1, 2.0),
    (fixed_slice, 1, 1.0),
    (weighted_by_position, 1, 1.0),
    (flip, 1, 1.0),
    (roll, 1, 1.0),
    (every_other, 2, 0.5),
    (multiply_halves, 2, 0.5),
    (gated, 2, 0.5),
    (slices, 2, 0.5),
    (swap_halves, 2, 1.0),
    (shuffle, 2, 1.0),
    (largest_of_pairs, 2, 0.5),
    (add_thirds, 3, 1 / 3),
    (pixels, 4, 0.25),
]


@st.composite
def bodies(draw, channels, depth=2):
    """Draw a chain of modules from *channels* channels, and how many come out of it."""
    chain = []
    for _ in range(draw(st.integers(1, 3))):
        step, channels = draw(steps(channels, depth))
        chain.append(step)
    return nn.Sequential(*chain), channels


@st.composite
def steps(draw, channels, depth):
    """Draw one module, and how many channels come out of it."""
    kinds = ["conv", "conv", "grouped", "depthwise", "gate", "operator", "operator", "transposed"]
    if depth:
        kinds += ["residual", "concat"]
    kind = draw(st.sampled_from(kinds))
    if kind == "operator":
        fits = [op for op in OPERATORS if channels % op[1] == 0 and 3 < channels * op[2] < 40]
        function, _, ratio = draw(st.sampled_from(fits))
        return Op(function.__name__, function), round(channels * ratio)
    if kind == "gate":
        return Gate(channels), channels
    if kind in ("residual", "concat"):
        body, found = draw(bodies(channels, depth - 1))
        if kind == "concat" and found + channels < 40:
            return Concat(*body), channels + found
        return Residual(*body, nn.Conv2d(found, channels, 1)), channels
    return draw(convolutions(kind, channels))


@st.composite
def convolutions(draw, kind, channels):
    """Draw a convolution, perhaps with batch norm and ReLU, and how many channels come out."""
    out = channels if kind == "depthwise" else draw(st.sampled_from([4, 6, 8, 12]))
    both = [n for n in (2, 3, 4) if channels % n == out % n == 0]
    groups = {"grouped": draw(st.sampled_from(both or [1])), "depthwise": channels}.get(kind, 1)
    options = {"groups": groups, "bias": draw(st.booleans())}
    if kind == "transposed":
        options["groups"] = draw(st.sampled_from([1, *both]))
    make = nn.ConvTranspose2d if kind == "transposed" else nn.Conv2d
    conv = make(channels, out, 3, padding=1, **options)
    return (normed(conv) if draw(st.booleans()) else conv), out


@st.composite
def networks(draw):
    """Draw a network from ``(N, 3, 4, 4)`` to ``(N, 3)``."""
    body, channels = draw(bodies(6))
    heads = [
        [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 3)],
        [nn.Flatten(), nn.Linear(16 * channels, 5), nn.ReLU(), nn.Linear(5, 3)],
        [nn.Conv2d(channels, 3, 1), Op("mean", lambda x: x.mean((2, 3)))],
    ]
    return nn.Sequential(nn.Conv2d(3, 6, 1), body, *draw(st.sampled_from(heads)))
