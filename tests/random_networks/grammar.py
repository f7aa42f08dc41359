"""Which block may follow which: strategies that draw networks, the simplest first."""

from __future__ import annotations

import attrs
from hypothesis import strategies as st
from torch import nn

from . import gating, outputs, parameters, sharing, splitting
from .block import Features, Network, Residual
from .families import FAMILIES
from .operators import operators


MOST = 12  # channels; a network this narrow is analysed in some 50 ms

_KINDS = ("map", "signal", "tokens")


@st.composite
def networks(draw, kinds=_KINDS, focus=()):
    """
    Draw a network.

    Args:
        draw: Given by hypothesis.

        kinds: What may flow through it: see `Features`.

        focus: Names of families, of which every step of the body has one in two chances to be.
    """
    kind = draw(st.sampled_from(kinds))
    width = draw(st.sampled_from([4, 6, 8, 12, 5, 9, 2]))
    first = draw(entries(kind, width))
    places = {"map": 16, "signal": 8, "tokens": 4 + len(first)}[kind]
    body, features = draw(bodies(Features(kind, width, places), 2, focus))
    return Network(kind, *first, *body, *draw(heads(features)))


@st.composite
def entries(draw, kind, width):
    """Draw the blocks that make features of *width* of the inputs."""
    if kind != "tokens":
        return [(nn.Conv2d if kind == "map" else nn.Conv1d)(3, width, 1)]
    token = draw(st.sampled_from([[], [parameters.ClassToken(width)]]))
    return [nn.Linear(3, width), *token]


@st.composite
def worded(draw):
    """Draw a network from words to words, whose embedding and head are one."""
    width = draw(st.sampled_from([4, 6, 8, 12]))
    body, found = draw(bodies(Features("tokens", width, 5), 1, ("attention",)))
    part = body if found.width == width else [*body, nn.Linear(found.width, width)]
    return Network("words", sharing.TiedWords(width, Residual(*part)))


@st.composite
def bodies(draw, features, depth, focus=()):
    """Draw a list of blocks that take *features*, and what comes out of them."""
    chain = []
    for _ in range(draw(st.integers(1, 3 if depth == 2 else 2))):
        step, features = draw(steps(features, depth, focus))
        chain.append(step)
    return chain, features


def steps(features, depth, focus=()):
    """Draw one block that takes *features*, and what comes out of it."""
    fitting = {name: family for name, family in FAMILIES.items() if features.kind in family.kinds}
    everything = [family.draw(features) for family in fitting.values()]
    everything.append(operators(features, MOST))
    if depth:
        everything += [residuals(features, depth - 1, focus), concats(features, depth - 1, focus)]
        everything.append(gated(features, depth - 1, focus))
        if features.kind != "signal" or features.places == 8:
            everything.append(others(features, depth - 1, focus))
    chosen = [fitting[name].draw(features) for name in focus if name in fitting]
    if "order" in focus:
        chosen.append(operators(features, MOST, order=True))
    return st.one_of(st.one_of(chosen), st.one_of(everything)) if chosen else st.one_of(everything)


def bridge(features, width):
    """Return the layers that bring *features* to *width*: none where they have it."""
    if features.width == width:
        return []
    if features.kind == "tokens":
        return [nn.Linear(features.width, width)]
    return [(nn.Conv2d if features.kind == "map" else nn.Conv1d)(features.width, width, 1)]


@st.composite
def residuals(draw, features, depth, focus):
    """Draw a body around which its input goes."""
    body, found = draw(bodies(features, depth, focus))
    return Residual(*body, *bridge(found, features.width)), features


@st.composite
def gated(draw, features, depth, focus):
    """Draw a body whose sigmoid scales its input."""
    body, found = draw(bodies(features, depth, focus))
    branch = Residual(*body, *bridge(found, features.width))
    return gating.GatedBy(branch), features


@st.composite
def concats(draw, features, depth, focus):
    """Draw a body beside which its input goes."""
    body, found = draw(bodies(features, depth, focus))
    if found.width + features.width > 2 * MOST:
        return Residual(*body, *bridge(found, features.width)), features
    both = splitting.Concat(features.dim, *body)
    return both, features.of(found.width + features.width)


@st.composite
def others(draw, features, depth, focus):
    """Draw a body of another kind of features."""
    kind, wrap = {
        "map": ("tokens", splitting.AsTokens),
        "signal": ("map", splitting.AsMap),
        "tokens": ("signal", splitting.AsSignal),
    }[features.kind]
    body, found = draw(bodies(attrs.evolve(features, kind=kind), depth, focus))
    return wrap(*body), features.of(found.width)


@st.composite
def heads(draw, features):
    """Draw the blocks that turn *features* into the outputs."""
    width = features.width
    if features.kind == "tokens":
        return [
            draw(st.sampled_from([nn.Linear, outputs.MeanOfTokens, outputs.FirstToken]))(width, 3)
        ]
    conv = (nn.Conv2d if features.kind == "map" else nn.Conv1d)(width, 3, 1)
    pool = (nn.AdaptiveAvgPool2d if features.kind == "map" else nn.AdaptiveMaxPool1d)(1)
    return draw(
        st.sampled_from(
            [
                [conv],
                [pool, nn.Flatten(), nn.Linear(width, 3)],
                [nn.Flatten(), nn.Linear(features.places * width, 5), nn.ReLU(), nn.Linear(5, 3)],
            ]
        )
    )
