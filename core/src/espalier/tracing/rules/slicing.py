"""Operators that cut a tensor along one axis."""

from __future__ import annotations

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from ...axes import Axis
    from ..call import Axes, Call, Rule


def slice_(call: Call) -> list[Axes]:
    """A run of positions is one part of a concat; a stride depends on the order, so it pins."""
    axes, dim = call.axes("self"), call.dim()
    start, stop, step = slice(call.value("start"), call.value("end"), call.value("step")).indices(
        axes[dim].size
    )
    if step != 1:
        call.pin(axes[dim], "strided slice")
        return [_with(axes, dim, call.pinned(call.outputs[0].shape[dim], "strided slice"))]
    return [_with(axes, dim, _cut(call, axes[dim], start, max(stop - start, 0)))]


def narrow(call: Call) -> list[Axes]:
    """The same with a start and a length."""
    axes, dim = call.axes("self"), call.dim()
    start = call.value("start")
    begin = start + axes[dim].size if start < 0 else start
    return [_with(axes, dim, _cut(call, axes[dim], begin, call.value("length")))]


def _cut(call: Call, axis: Axis, start: int, length: int) -> Axis:
    if length == axis.size:
        return axis
    before, middle, _ = call.split_concat(axis, start, length, axis.size - start - length)
    call.follow("start", before, kind="offset")
    return middle


def split(call: Call) -> list[Axes]:
    """Each piece is one part of a concat."""
    axes, dim = call.axes("self"), call.dim()
    pieces = call.split_concat(axes[dim], *(output.shape[dim] for output in call.outputs))
    return [_with(axes, dim, piece) for piece in pieces]


def select(call: Call) -> list[Axes]:
    """One position is picked by its number: that axis can't change."""
    axes, dim = call.axes("self"), call.dim()
    call.pin(axes[dim], "one position is picked by index")
    return [axes[:dim] + axes[dim + 1 :]]


def unbind(call: Call) -> list[Axes]:
    """Every position becomes a tensor: that axis can't change."""
    axes, dim = call.axes("self"), call.dim()
    call.pin(axes[dim], "the axis is unpacked into tensors")
    return [axes[:dim] + axes[dim + 1 :] for _ in call.outputs]


def diagonal(call: Call) -> list[Axes]:
    """Positions of two axes are paired: neither can change."""
    axes = call.axes("self")
    dims = {call.dim("dim1"), call.dim("dim2")}
    call.pin([axes[dim] for dim in dims], "diagonal")
    kept = [axis for i, axis in enumerate(axes) if i not in dims]
    return [[*kept, call.pinned(call.outputs[0].shape[-1], "diagonal")]]


def _with(axes: Axes, dim: int, axis: Axis) -> Axes:
    return [*axes[:dim], axis, *axes[dim + 1 :]]


RULES: dict[str, Rule] = {
    "chunk": split,
    "diagonal": diagonal,
    "narrow": narrow,
    "select": select,
    "select_copy": select,
    "slice": slice_,
    "slice_copy": slice_,
    "split": split,
    "split_copy": split,
    "split_with_sizes": split,
    "split_with_sizes_copy": split,
    "tensor_split": split,
    "unbind": unbind,
    "unbind_copy": unbind,
    "unsafe_chunk": split,
    "unsafe_split": split,
    "unsafe_split_with_sizes": split,
}
