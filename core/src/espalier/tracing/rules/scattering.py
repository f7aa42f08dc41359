"""Writing to places that are given by index: the axes they count along can't change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from .indexing import LOOKED_UP, indexed
from .pointwise import meet
from .slicing import strided


if TYPE_CHECKING:
    from torch import Tensor

    from ..call import Axes, Call, Rule


def scatter(call: Call) -> list[Axes]:
    """Each element of ``src`` names a position of one axis; the other axes are shared."""
    axes = call.axes("self")
    dim = call.dim() if axes else 0
    for name in ("index", "src"):
        if not isinstance(call.arguments.get(name), torch.Tensor):
            continue
        for i, (axis, other) in enumerate(zip(axes, call.axes(name), strict=False)):
            if i == dim or axis.size != other.size:
                call.pin([axis, other], LOOKED_UP)
            else:
                call.unify(axis, other)
    return [axes]


def along_index(call: Call) -> list[Axes]:
    """Slices of ``source`` go to positions of one axis; the other axes are shared."""
    axes = call.axes("self")
    dim = call.dim() if axes else 0
    call.pin([*axes[dim : dim + 1], *call.axes("index")], LOOKED_UP)
    source = call.maybe_axes("source")
    for i, (axis, other) in enumerate(zip(axes, source or [], strict=False)):
        if i == dim:
            call.pin(other, LOOKED_UP)
        else:
            call.unify(axis, other)
    return [axes]


def index_put(call: Call) -> list[Axes]:
    """The values broadcast to what ``index`` with the same indices would read."""
    axes = call.axes("self")
    chosen = [t for t in call.value("indices") if t is not None]
    if len(chosen) == 1 and call.value("indices")[0] is not None and _is_fill(call, chosen[0]):
        return [_fill(call, axes, chosen[0])]
    start, block, kept = indexed(call, axes)
    read = [*kept[:start], *block, *kept[start:]]
    written = [call.axes(name) for name in ("values", "mask") if name in call.arguments]
    met = meet(call, [read, *written], len(read))
    call.pin(met[start : start + len(block)], "written by index")
    return [axes]


def _is_fill(call: Call, mask: Tensor) -> bool:
    """Whether the same values go to wherever a truth mask says so."""
    left = call.value("self").dim() - mask.dim()
    shape = call.value("values").shape
    return mask.dtype is torch.bool and (len(shape) <= left or shape[: len(shape) - left] == (1,))


def _fill(call: Call, axes: Axes, mask: Tensor) -> Axes:
    own = call.axes_of(mask)
    call.unify_all(axes[: len(own)], own)
    left = axes[len(own) :]
    values = call.axes("values")
    meet(call, [left, values[max(len(values) - len(left), 0) :]], len(left))
    return axes


def masked_scatter(call: Call) -> list[Axes]:
    """
    Elements of ``source`` are used up in order, so the order of every unit matters.

    Where the mask is one row of the last axes expanded, whole rows are used up one by one.
    """
    mask, source = call.value("mask"), call.value("source")
    axes, given, rows = call.axes("self"), call.axes("mask"), call.axes("source")
    result = meet(call, [axes, given], len(axes))
    kept = 0
    while kept < min(len(axes), source.dim() - 1) and (
        (kept >= mask.dim() or mask.stride(-1 - kept) == 0 or mask.shape[-1 - kept] == 1)
        and result[-1 - kept].size == rows[-1 - kept].size
    ):
        kept += 1
        call.unify(result[-kept], rows[-kept])
    text = "masked elements are filled in order"
    call.pin([*result[: len(result) - kept], *rows[: len(rows) - kept]], text)
    return [result]


def put(call: Call) -> list[Axes]:
    """Elements are written by their number among all."""
    for axes in call.operands():
        call.pin(axes, LOOKED_UP)
    return [call.axes("self")]


def slice_scatter(call: Call) -> list[Axes]:
    """A run of positions is one part of a concat; a stride may take a whole factor."""
    axes, source, dim = call.axes("self"), call.axes("src"), call.dim()
    start, stop, step = slice(call.value("start"), call.value("end"), call.value("step")).indices(
        axes[dim].size
    )
    length = max(stop - start, 0)
    for i, (axis, other) in enumerate(zip(axes, source, strict=True)):
        if i != dim or (step == 1 and length == axis.size):
            call.unify(axis, other)
        elif step != 1:
            call.unify(strided(call, axis, start, step, other.size), other)
        else:
            before, part, _ = call.split_concat(axis, start, length, axis.size - start - length)
            call.unify(part, other)
            call.follow("start", before, kind="offset")
    return [axes]


def select_scatter(call: Call) -> list[Axes]:
    """One position is written by its number: that axis can't change."""
    axes, dim = call.axes("self"), call.dim()
    call.pin(axes[dim], "one position is picked by index")
    call.unify_all(axes[:dim] + axes[dim + 1 :], call.axes("src"))
    return [axes]


def diagonal_scatter(call: Call) -> list[Axes]:
    """Positions of two axes are paired: neither can change."""
    axes, source = call.axes("self"), call.axes("src")
    dims = {call.dim("dim1"), call.dim("dim2")}
    call.pin([source[-1], *(axes[dim] for dim in dims)], "diagonal")
    call.unify_all([axis for i, axis in enumerate(axes) if i not in dims], source[:-1])
    return [axes]


RULES: dict[str, Rule] = {
    "_index_put_impl": index_put,
    "_unsafe_index_put": index_put,
    "_unsafe_masked_index_put_accumulate": index_put,
    "diagonal_scatter": diagonal_scatter,
    "index_add": along_index,
    "index_copy": along_index,
    "index_fill": along_index,
    "index_put": index_put,
    "index_reduce": along_index,
    "masked_scatter": masked_scatter,
    "put": put,
    "scatter": scatter,
    "scatter_add": scatter,
    "scatter_reduce": scatter,
    "select_scatter": select_scatter,
    "slice_scatter": slice_scatter,
}
