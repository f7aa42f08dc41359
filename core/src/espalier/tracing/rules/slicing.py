"""Operators that cut a tensor along one axis."""

from __future__ import annotations

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from ...axes import Axis
    from ..call import Axes, Call, Rule


def slice_(call: Call) -> list[Axes]:
    """A run of positions is one part of a concat; with a stride see `strided`."""
    axes, dim = call.axes("self"), call.dim()
    start, stop, step = slice(call.value("start"), call.value("end"), call.value("step")).indices(
        axes[dim].size
    )
    if step != 1:
        length = call.outputs[0].shape[dim]
        return [_with(axes, dim, strided(call, axes[dim], start, step, length))]
    return [_with(axes, dim, _cut(call, axes[dim], start, max(stop - start, 0)))]


def strided(call: Call, axis: Axis, start: int, step: int, length: int) -> Axis:
    """
    Return every *step*-th position of *axis*: a whole factor of it, or else they can't change.

    As for pairs that lie interleaved: ``x[::2]`` and ``x[1::2]`` take the same units of each.
    """
    if start < step and length * step == axis.size:
        taken, place = call.split_product(axis, length, step)
        call.pin(place, "one position is picked by index")
        return taken
    call.pin(axis, "strided slice")
    return call.pinned(length, "strided slice")


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
    if "split_sizes" in call.arguments:
        call.follow("split_sizes", *pieces, kind="sizes")
    return [_with(axes, dim, piece) for piece in pieces]


def split_evenly(call: Call) -> list[Axes]:
    """One number says the size of all pieces, so all but a smaller last one are the same units."""
    size = call.arguments.get("split_size")
    results = split(call)
    if isinstance(size, int):
        dim = call.dim()
        whole = [axes[dim] for axes in results if axes[dim].size == size]
        for piece in whole[1:]:
            call.unify(whole[0], piece)
        if len(results) > 1:
            call.follow("split_size", whole[0])
    return results


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


def diag_embed(call: Call) -> list[Axes]:
    """Positions of two new axes are paired: neither can change."""
    axes = call.axes("self")
    call.pin(axes[-1], "diagonal")
    result = axes[:-1]
    rank = len(axes) + 1
    for dim in sorted((call.dim("dim1", rank), call.dim("dim2", rank))):
        result.insert(dim, call.pinned(call.outputs[0].shape[dim], "diagonal"))
    return [result]


def trace(call: Call) -> list[Axes]:
    """The diagonal is added up: its two axes can't change."""
    call.pin(call.axes("self"), "diagonal")
    return [[]]


def _with(axes: Axes, dim: int, axis: Axis) -> Axes:
    return [*axes[:dim], axis, *axes[dim + 1 :]]


RULES: dict[str, Rule] = {
    "chunk": split,
    "diag_embed": diag_embed,
    "diagonal": diagonal,
    "diagonal_copy": diagonal,
    "narrow": narrow,
    "narrow_copy": narrow,
    "select": select,
    "select_copy": select,
    "slice": slice_,
    "slice_copy": slice_,
    "split": split_evenly,
    "split_copy": split_evenly,
    "split_with_sizes": split,
    "split_with_sizes_copy": split,
    "tensor_split": split,
    "trace": trace,
    "unbind": unbind,
    "unbind_copy": unbind,
    "unsafe_chunk": split,
    "unsafe_split": split_evenly,
    "unsafe_split_with_sizes": split,
}
