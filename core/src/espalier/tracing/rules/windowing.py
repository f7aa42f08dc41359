"""Windows that are cut out as a whole: ``unfold`` of a tensor, of images, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...axes import product


if TYPE_CHECKING:
    from ..call import Axes, Call, Rule

_SLIDES = "a window slides along it"


def unfold(call: Call) -> list[Axes]:
    """One axis becomes windows and positions in a window; without overlap that is a product."""
    axes = call.axes("self") or [call.pinned(1, _SLIDES)]
    dim = call.dim("dimension", rank=len(axes))
    size, step = call.value("size"), call.value("step")
    count = call.outputs[0].shape[dim]
    if size == step and count * size == axes[dim].size:
        windows, within = call.split_product(axes[dim], count, size)
        call.follow("size", within)
        call.follow("step", within)
    else:
        call.pin(axes[dim], _SLIDES)
        windows, within = call.pinned(count, _SLIDES), call.pinned(size, _SLIDES)
    result = [*axes[:dim], windows, *axes[dim + 1 :], within]
    return [result[: call.outputs[0].dim()] if call.axes("self") else [within]]


def im2col(call: Call) -> list[Axes]:
    """``(N, C, H, W)`` becomes ``(N, C * kernel, windows)``."""
    *batch, channels, height, width = call.axes("self")
    call.pin([height, width], _SLIDES)
    kernel = call.pinned(_kernel(call), "positions in a window")
    windows = call.pinned(call.outputs[0].shape[-1], _SLIDES)
    return [[*batch, product(channels, kernel), windows]]


def col2im(call: Call) -> list[Axes]:
    """The reverse: what windows hold is added up."""
    *batch, columns, windows = call.axes("self")
    kernel = _kernel(call)
    channels, within = call.split_product(columns, columns.size // kernel, kernel)
    call.pin([within, windows], _SLIDES)
    spatial = [call.pinned(size, _SLIDES) for size in call.outputs[0].shape[-2:]]
    return [[*batch, channels, *spatial]]


def _kernel(call: Call) -> int:
    height, width = call.value("kernel_size")
    return int(height * width)


RULES: dict[str, Rule] = {
    "col2im": col2im,
    "im2col": im2col,
    "unfold": unfold,
    "unfold_copy": unfold,
}
