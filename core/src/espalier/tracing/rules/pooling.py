"""Pooling and resampling: windows slide along the last axes, the others pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...axes import atom
from .pointwise import meet


if TYPE_CHECKING:
    from ..call import Axes, Call, Rule


def resample(count: int) -> Rule:
    """Return the rule of an operator that works along the last *count* axes."""

    def rule(call: Call) -> list[Axes]:
        name = "self" if "self" in call.arguments else "input"
        axes = call.axes(name)
        call.pin(axes[-count:], "a window slides along it")
        return [[*axes[:-count], *_extents(call, output, count)] for output in call.outputs]

    return rule


def _extents(call: Call, output: object, count: int) -> Axes:
    return [
        call.pinned(size, "extent of a resampled output")
        for size in output.shape[-count:]  # type: ignore[attr-defined]
    ]


def unpool(call: Call) -> list[Axes]:
    """Pixels go to the places, told by ``indices``, that they were pooled from."""
    axes = call.axes("self")
    call.unify_all(axes, call.axes("indices"))
    count = len(call.value("output_size"))
    call.pin(axes[-count:], "a window slides along it")
    return [[*axes[:-count], *_extents(call, call.outputs[0], count)]]


def fractional(count: int) -> Rule:
    """Return the rule of pooling with windows that are drawn for each channel."""
    slide = resample(count)

    def rule(call: Call) -> list[Axes]:
        *passing, last = call.axes("random_samples")
        call.pin(last, "one number for each direction")
        axes = [atom(1), atom(1), *call.axes("self")][-2 - count : -count]
        meet(call, [passing, axes], 2)
        return slide(call)

    return rule


_KINDS = (
    "_adaptive_avg_pool{}d",
    "_upsample_nearest_exact{}d",
    "adaptive_avg_pool{}d",
    "adaptive_max_pool{}d",
    "avg_pool{}d",
    "max_pool{}d",
    "max_pool{}d_with_indices",
    "mkldnn_max_pool{}d",
    "reflection_pad{}d",
    "replication_pad{}d",
    "upsample_nearest{}d",
)
RULES: dict[str, Rule] = {
    **{kind.format(n): resample(n) for kind in _KINDS for n in (1, 2, 3)},
    "_upsample_bicubic2d_aa": resample(2),
    "_upsample_bilinear2d_aa": resample(2),
    "_upsample_lanczos2d_aa": resample(2),
    "fractional_max_pool2d": fractional(2),
    "fractional_max_pool3d": fractional(3),
    "max_unpool2d": unpool,
    "max_unpool3d": unpool,
    "upsample_bicubic2d": resample(2),
    "upsample_bilinear2d": resample(2),
    "upsample_linear1d": resample(1),
    "upsample_trilinear3d": resample(3),
}
