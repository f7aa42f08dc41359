"""Operators that move units between axes in a fixed pattern; the pattern is carried along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...axes import product


if TYPE_CHECKING:
    from ..call import Axes, Call, Rule


def glu(call: Call) -> list[Axes]:
    """One half gates the other: unit ``i`` of both halves stays or goes together."""
    axes, dim = call.axes("self"), call.dim()
    half = axes[dim].size // 2
    value, gate = call.split_concat(axes[dim], half, half)
    call.unify(value, gate)
    return [[*axes[:dim], value, *axes[dim + 1 :]]]


def pixel_shuffle(call: Call) -> list[Axes]:
    """Channels ``C * r * r`` become ``C`` channels of ``r`` times the height and width."""
    *batch, channels, height, width = call.axes("self")
    factor: int = call.value("upscale_factor")
    call.pin([height, width], "pixels move along it")
    kept, phase = call.split_product(channels, channels.size // factor**2, factor**2)
    call.pin(phase, "phases of a pixel shuffle")
    grown = [call.pinned(size, "pixels move along it") for size in call.outputs[0].shape[-2:]]
    return [[*batch, kept, *grown]]


def pixel_unshuffle(call: Call) -> list[Axes]:
    """The reverse: ``C`` channels become ``C * r * r``."""
    *batch, channels, height, width = call.axes("self")
    call.pin([height, width], "pixels move along it")
    phase = call.pinned(call.value("downscale_factor") ** 2, "phases of a pixel shuffle")
    shrunk = [call.pinned(size, "pixels move along it") for size in call.outputs[0].shape[-2:]]
    return [[*batch, product(channels, phase), *shrunk]]


def channel_shuffle(call: Call) -> list[Axes]:
    """Channels ``g * c`` become ``c * g``."""
    axes = call.axes("self")
    groups: int = call.value("groups")
    group, inner = call.split_product(axes[1], groups, axes[1].size // groups)
    call.follow("groups", group)
    return [[axes[0], product(inner, group), *axes[2:]]]


RULES: dict[str, Rule] = {
    "channel_shuffle": channel_shuffle,
    "glu": glu,
    "native_channel_shuffle": channel_shuffle,
    "pixel_shuffle": pixel_shuffle,
    "pixel_unshuffle": pixel_unshuffle,
}
