"""Convolutions: plain, grouped, depthwise and transposed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...axes import product


if TYPE_CHECKING:
    from ...axes import Axis
    from ..call import Axes, Call, Rule


def convolution(call: Call) -> list[Axes]:
    """
    Relate input ``(N, C, *S)``, weight and output ``(N, D, *S')``.

    With ``g`` groups, ``C = g * c`` and ``D = g * d``; the weight is ``(g * d, c, *K)``, or
    ``(g * c, d, *K)`` where the convolution is transposed.
    """
    inputs, weight = call.axes("input"), call.axes("weight")
    groups: int = call.value("groups")
    call.pin(weight[2:], "kernel size")
    call.pin(inputs[2:], "the convolution slides along it")
    group, channels = _grouped(call, inputs[1], groups)
    call.follow("groups", group)
    weight_group, inner = _grouped(call, weight[0], groups)
    call.unify(group, weight_group)
    if call.value("transposed"):
        call.unify(channels, inner)
        call.sum_over(inner)
        out = product(group, weight[1])
        call.macs(*inputs, *weight[1:])
    else:
        call.unify(channels, weight[1])
        call.sum_over(weight[1])
        out = weight[0]
    bias = call.maybe_axes("bias")
    if bias:
        call.unify(bias[0], out)
    spatial = [_spatial(call, size) for size in call.outputs[0].shape[2:]]
    if not call.value("transposed"):
        call.macs(inputs[0], out, *spatial, *weight[1:])
    return [[inputs[0], out, *spatial]]


def _grouped(call: Call, axis: Axis, groups: int) -> tuple[Axis, Axis]:
    group, inner = call.split_product(axis, groups, axis.size // groups)
    return group, inner


def _spatial(call: Call, size: int) -> Axis:
    return call.pinned(size, "extent of a convolution's output")


def conv_tbc(call: Call) -> list[Axes]:
    """Relate input ``(T, N, C)``, weight ``(K, C, D)`` and output ``(T', N, D)``."""
    time, batch, channels = call.axes("self")
    kernel, inner, out = call.axes("weight")
    call.pin(kernel, "kernel size")
    call.pin(time, "the convolution slides along it")
    call.unify(channels, inner)
    call.sum_over(inner)
    call.unify(call.axes("bias")[0], out)
    extent = _spatial(call, call.outputs[0].shape[0])
    call.macs(extent, batch, kernel, inner, out)
    return [[extent, batch, out]]


RULES: dict[str, Rule] = {
    "_convolution": convolution,
    "conv_tbc": conv_tbc,
    "convolution": convolution,
}
