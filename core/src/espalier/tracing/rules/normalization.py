"""Normalisations: each channel meets its own scale, shift and statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from ..call import Axes, Call, Rule


def batch_norm(call: Call) -> list[Axes]:
    """Axis 1 carries the channels."""
    axes = call.axes("input")
    for name in ("weight", "bias", "running_mean", "running_var"):
        vector = call.maybe_axes(name)
        if vector:
            call.unify(vector[0], axes[1])
    return [list(axes)]


def layer_norm(call: Call) -> list[Axes]:
    """The last axes are normalised together."""
    axes = call.axes("input")
    normalized = axes[len(axes) - len(call.value("normalized_shape")) :]
    call.follow("normalized_shape", *normalized, kind="sizes")
    for name in ("weight", "bias"):
        scale = call.maybe_axes(name)
        if scale:
            call.unify_all(scale, normalized)
    return [list(axes)]


def group_norm(call: Call) -> list[Axes]:
    """Axis 1 is the product of the groups and the channels of each."""
    axes = call.axes("input")
    groups: int = call.value("group")
    group, _ = call.split_product(axes[1], groups, axes[1].size // groups)
    call.follow("group", group)
    call.follow("C", axes[1])
    for name in ("weight", "bias"):
        vector = call.maybe_axes(name)
        if vector:
            call.unify(vector[0], axes[1])
    return [list(axes)]


def embedding_renorm(call: Call) -> list[Axes]:
    """Whole rows of a table are shortened in place, so a narrower one would spoil the rest."""
    axes = call.axes("self")
    call.pin([*axes, *call.axes("indices")], "max_norm rescales whole rows")
    return [axes]


def softmax(call: Call) -> list[Axes]:
    """Shapes stay; units keep their identity."""
    return [list(call.axes("self"))]


def weight_norm(call: Call) -> list[Axes]:
    """Each slice of ``v`` along ``dim`` is scaled to its norm in ``g``, which has size 1 else."""
    axes, scale = call.axes("v"), call.axes("g")
    dim = call.dim(tensor="v")
    call.unify(axes[dim], scale[dim])
    return [axes, scale]


RULES: dict[str, Rule] = {
    "_batch_norm_no_update": batch_norm,
    "_batch_norm_with_update": batch_norm,
    "_fused_rms_norm": layer_norm,
    "_log_softmax": softmax,
    "_native_batch_norm_legit": batch_norm,
    "_native_batch_norm_legit_no_training": batch_norm,
    "_safe_softmax": softmax,
    "_softmax": softmax,
    "_weight_norm_interface": weight_norm,
    "batch_norm": batch_norm,
    "cudnn_batch_norm": batch_norm,
    "embedding_renorm": embedding_renorm,
    "miopen_batch_norm": batch_norm,
    "native_batch_norm": batch_norm,
    "native_group_norm": group_norm,
    "log_softmax": softmax,
    "native_layer_norm": layer_norm,
    "renorm": softmax,
    "softmax": softmax,
    "rms_norm": layer_norm,
}
