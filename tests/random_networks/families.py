"""Blocks with parameters: a strategy for each family, and which features it takes."""

from __future__ import annotations

import attrs
from hypothesis import strategies as st
from torch import nn

from . import attention, attributes, gating, parameters, sharing, splitting
from .block import Chain


WIDTHS = st.sampled_from([4, 6, 8, 12, 5, 9])


@attrs.frozen
class Family:
    """Blocks of one sort: *draw* takes features and draws a block and what comes out of it."""

    draw: object
    kinds: tuple[str, ...] = ("map", "signal", "tokens")


@st.composite
def convolutions(draw, features):
    """Draw a convolution of any sort, perhaps with a norm and an activation."""
    places = 2 if features.kind == "map" else 1
    width = features.width
    sort = draw(st.sampled_from(["plain", "grouped", "depthwise", "dilated", "transposed"]))
    out = width if sort == "depthwise" else draw(WIDTHS)
    shared = [n for n in (2, 3, 4) if width % n == out % n == 0]
    groups = draw(st.sampled_from(shared)) if shared and sort == "grouped" else 1
    if sort == "depthwise":
        groups, out = width, width * draw(st.sampled_from([1, 2] if width < 9 else [1]))
    options = {"groups": groups, "bias": draw(st.booleans())}
    if sort == "transposed":
        options["groups"] = draw(st.sampled_from([1, *shared]))
        make = (nn.ConvTranspose1d, nn.ConvTranspose2d)[places - 1]
        layer = make(width, out, 3, padding=1, **options)
    else:
        reach = 2 if sort == "dilated" else 1
        make = (nn.Conv1d, nn.Conv2d)[places - 1]
        layer = make(width, out, 3, padding=reach, dilation=reach, **options)
    norms = [[], [(nn.BatchNorm1d, nn.BatchNorm2d)[places - 1](out), nn.ReLU()]]
    return Chain(layer, *draw(st.sampled_from(norms))), features.of(out)


@st.composite
def linears(draw, features):
    """Draw a linear layer, torch's or the user's own."""
    out = draw(WIDTHS)
    make = draw(st.sampled_from([nn.Linear, nn.Linear, parameters.RawLinear]))
    return make(features.width, out), features.of(out)


@st.composite
def norms(draw, features):
    """Draw a normalisation."""
    width = features.width
    if features.kind == "tokens":
        own = [nn.LayerNorm(width), nn.RMSNorm(width), attributes.NormalizesByAttribute(width)]
        own.append(nn.LayerNorm(width, elementwise_affine=False))
        if width % 2 == 0:
            own.append(splitting.GroupsNormalized(width))
        return draw(st.sampled_from(own)), features
    is_map = features.kind == "map"
    batch = nn.BatchNorm2d if is_map else nn.BatchNorm1d
    instance = nn.InstanceNorm2d if is_map else nn.InstanceNorm1d
    own = [batch(width), batch(width, affine=False), instance(width)]
    own.append(instance(width, affine=True, track_running_stats=True))
    own += [nn.GroupNorm(n, width) for n in (1, 2, 3, width) if width % n == 0]
    return draw(st.sampled_from(own)), features


@st.composite
def attentions(draw, features):
    """Draw a block of attention."""
    width = features.width
    sizes = st.sampled_from([2, 4, 3])
    heads, size, way = draw(sizes), draw(sizes), draw(st.sampled_from(attention.WAYS))
    sort = draw(st.sampled_from(["many", "fused", "groups", "two", "normed", "fused groups"]))
    if sort == "many":
        cut = draw(st.sampled_from(["size", "heads", "neither a guess", "both"]))
        return attention.MultiHead(width, heads, size, way, cut), features
    if sort == "fused":
        ways = ["chunk", "split", "slices", "view", "view of heads first"]
        project = draw(st.sampled_from(ways))
        return attention.Fused(width, heads, size, way, project), features
    if sort == "two":
        return attention.TwoSizes(width, heads, size, draw(sizes), way), features
    if sort == "normed":
        return attention.NormedHeads(width, heads, size, way), features
    each = draw(st.sampled_from([2, 1, 3]))
    if sort == "fused groups":
        return attention.FusedGroups(
            width, draw(st.sampled_from([2, 1])), each, size, way
        ), features
    made = [
        attention.GroupedQuery,
        attention.GroupedQueryExpanded,
        attention.GroupedQueryByCall,
    ]
    return draw(st.sampled_from(made))(width, heads, each, size, way), features


@st.composite
def channel_attentions(draw, features):
    """Draw attention between the channels of a map."""
    heads = draw(st.sampled_from([n for n in (1, 2, 3) if features.width % n == 0]))
    return attention.ChannelAttention(features.width, heads), features


@st.composite
def gates(draw, features):
    """Draw a gate."""
    hidden, width = draw(st.sampled_from([4, 2, 6])), features.width
    if features.kind != "tokens":
        return gating.Squeeze(width, hidden), features
    make = draw(st.sampled_from([gating.SwiGLU, gating.FusedSwiGLU, gating.SigmoidInside]))
    return make(width, hidden), features


@st.composite
def raw(draw, features):
    """Draw a block with parameters or buffers of its own."""
    width, out = features.width, draw(WIDTHS)
    if features.kind == "tokens":
        own = [parameters.LayerScale(width)]
        own += [parameters.Positions(width), parameters.PositionsByNumber(width)]
        own += [parameters.Masked(width, 0), parameters.Masked(width, 0, persistent=False)]
        if width % 2 == 0:
            own += [parameters.Rotary(width), parameters.RotaryPairs(width)]
            own.append(parameters.PerHead(width // 2, 2, 2))
        return draw(st.sampled_from(own)), features
    places = 2 if features.kind == "map" else 1
    if draw(st.booleans()):
        return parameters.Einsum(width, out), features.of(out)
    own = [parameters.Scaled(width, places), parameters.Masked(width, places)]
    if features.kind == "signal":
        own.append(parameters.RawConvolution(width))
    return draw(st.sampled_from(own)), features


@st.composite
def shared(draw, features):
    """Draw a block that uses a layer or a weight more than once."""
    width = features.width
    if features.kind == "tokens":
        own = [sharing.SameWeight(width), sharing.Transposed(width, draw(WIDTHS))]
        own += [sharing.CalledTwice(nn.Linear(width, width))]
        own += [sharing.SameBlock(gating.SwiGLU(width, 4))]
        return draw(st.sampled_from(own)), features
    make = nn.Conv2d if features.kind == "map" else nn.Conv1d
    groups = draw(st.sampled_from([1, width]))
    layer = make(width, width, 3, padding=1, groups=groups)
    own = [sharing.CalledTwice(layer), sharing.SameBlock(layer)]
    return draw(st.sampled_from(own)), features


@st.composite
def with_attributes(draw, features):
    """Draw a block of a user who keeps sizes in attributes."""
    width = features.width
    inner = draw(st.sampled_from([4, 3, 6]))
    heads = draw(st.sampled_from([n for n in (2, 3, 4, 1) if width % n == 0]))
    own = [
        attributes.ViewsByAttributes(width, heads),
        attributes.SplitsByAttribute(width, inner),
        attributes.SlicesByAttribute(width, inner, draw(st.sampled_from([2, 4, 5]))),
        attributes.ScalesByAttribute(width, inner),
        attributes.CountsPlaces(width),
        attributes.RolledByAttribute(width),
    ]
    return draw(st.sampled_from(own)), features


FAMILIES = {
    "convolution": Family(convolutions, ("map", "signal")),
    "linear": Family(linears, ("tokens",)),
    "norm": Family(norms),
    "attention": Family(attentions, ("tokens",)),
    "channel attention": Family(channel_attentions, ("map",)),
    "gate": Family(gates),
    "raw": Family(raw),
    "shared": Family(shared),
    "attributes": Family(with_attributes, ("tokens",)),
}
