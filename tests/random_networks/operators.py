"""Blocks without parameters: how many channels each takes and gives."""

from __future__ import annotations

import attrs
from hypothesis import strategies as st
from torch import nn

from . import gating, ordering, parameters, splitting


ALL = ("map", "signal", "tokens")


@attrs.frozen
class Operator:
    """
    A block that is made from the axis of channels alone.

    Args:
        make: Makes it.

        multiple: What the number of channels must be a multiple of.

        out: The number of channels that come out, by how many come in.

        kinds: What it takes.
    """

    make: object
    multiple: int = 1
    out: object = staticmethod(lambda width: width)
    kinds: tuple[str, ...] = ALL


def _same(width):
    return width


def _half(width):
    return width // 2


def _double(width):
    return 2 * width


def _alone(make):
    """Return a maker of a block that need not know the axis."""
    return lambda dim: make()


#: Blocks in which the order of the channels matters.
ORDERED = [
    Operator(ordering.Flip),
    Operator(ordering.EvenAndOdd),
    Operator(ordering.EveryOther, 2, _half),
    Operator(ordering.RunningSum),
    Operator(ordering.RunningMean),
    Operator(ordering.RunningMaximum),
    Operator(ordering.Differences),
    Operator(ordering.Triangle),
    Operator(ordering.Sorted),
    Operator(ordering.MaxOut, 2, _half),
    Operator(ordering.MaxOutOfHalves, 2, _half),
    Operator(ordering.Shuffle, 2),
    Operator(ordering.Unshuffle, 2),
    Operator(ordering.Ramp),
    Operator(_alone(parameters.FourierMixed), kinds=("tokens",)),
]
#: The rest.
OTHERS = [
    Operator(_alone(nn.ReLU)),
    Operator(_alone(nn.GELU)),
    Operator(_alone(nn.Tanh)),
    Operator(splitting.Twice, 1, _double),
    Operator(splitting.Repeated, 1, _double),
    Operator(splitting.RepeatedEach, 1, _double),
    Operator(splitting.Interleaved, 1, _double),
    Operator(splitting.HalvesMultiplied, 2, _half),
    Operator(splitting.HalvesSwapped, 2),
    Operator(splitting.HalvesApart, 2),
    Operator(splitting.HalvesBySlice, 2, _half),
    Operator(splitting.ThirdsAdded, 3, lambda width: width // 3),
    Operator(splitting.LastDropped, 1, lambda width: width - 1),
    Operator(splitting.Padded, 1, lambda width: width + 1),
    Operator(splitting.TimesSum),
    Operator(splitting.TimesMean),
    Operator(splitting.LessTheLargest),
    Operator(splitting.SoftMax),
    Operator(splitting.GramApplied),
    Operator(_alone(splitting.Pixels), 4, lambda width: width // 4, ("map",)),
    Operator(_alone(splitting.PixelsBack), 1, lambda width: 4 * width, ("map",)),
    Operator(_alone(splitting.ShuffledByTorch), 2, _same, ("map",)),
    Operator(gating.Gated, 2, _half),
]


@st.composite
def operators(draw, features, most, *, order=False):
    """Draw a block without parameters, and what comes out of it; *order*: one of `ORDERED`."""
    width, dim = features.width, features.dim
    offered = ORDERED if order else [*OTHERS, *ORDERED]
    fitting = [
        operator
        for operator in offered
        if features.kind in operator.kinds
        and width % operator.multiple == 0
        and 1 < operator.out(width) <= 2 * most
    ]
    own = draw(st.sampled_from([*fitting, roll, permuted, largest, part]))
    if isinstance(own, Operator):
        return own.make(dim), features.of(own.out(width))
    block, found = draw(own(width, dim))
    return block, features.of(found)


@st.composite
def roll(draw, width, dim):
    """Draw by how far the channels move."""
    return ordering.Roll(dim, draw(st.integers(1, width - 1))), width


@st.composite
def permuted(draw, width, dim):
    """Draw another order of the channels."""
    order = draw(st.permutations(range(width)))
    make = draw(st.sampled_from([ordering.Permuted, ordering.PermutedByBuffer]))
    return make(dim, list(order)), width


@st.composite
def largest(draw, width, dim):
    """Draw how many of the largest to keep."""
    count = draw(st.integers(max(width // 2, 2), width)) if width > 2 else 2
    return ordering.Largest(dim, count), count


@st.composite
def part(draw, width, dim):
    """Draw a cut at a number of the block's own."""
    cut = draw(st.integers(1, width - 1))
    kept = width - cut
    if kept > 1 and draw(st.booleans()):
        return splitting.PartsDropped(dim, cut, width), kept
    return splitting.PartApart(dim, cut), width
