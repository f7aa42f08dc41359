"""Look-ups by index: the axis that is looked up can't change, the others pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from ...axes import atom
from .pointwise import meet


if TYPE_CHECKING:
    from ..call import Axes, Call, Rule

LOOKED_UP = "looked up by index"


def embedding(call: Call) -> list[Axes]:
    """Rows of the weight ``(rows, width)`` replace indices."""
    weight = call.axes("weight")
    call.pin(weight[0], LOOKED_UP)
    return [[*call.axes("indices"), *weight[1:]]]


def embedding_bag(call: Call) -> list[Axes]:
    """Rows of the weight are looked up and reduced, bag by bag; the bags lie one by one."""
    rows, width = call.axes("weight")
    call.pin(rows, LOOKED_UP)
    for name in ("indices", "offsets", "per_sample_weights"):
        call.pin(call.maybe_axes(name) or [], "bags lie one after the other")
    bags = call.pinned(call.outputs[0].shape[0], "bags lie one after the other")
    return [[bags, width]]


def index_select(call: Call) -> list[Axes]:
    """Positions of one axis are picked by a vector of indices."""
    axes = call.axes("self") or [atom(1)]
    dim = call.dim(rank=len(axes))
    call.pin(axes[dim], LOOKED_UP)
    result = [*axes[:dim], *(call.axes("index") or [atom(1)]), *axes[dim + 1 :]]
    return [result[: call.outputs[0].dim()]]


def index(call: Call) -> list[Axes]:
    """Several axes are indexed together; their indices broadcast to one block of axes."""
    start, block, kept = indexed(call, call.axes("self"))
    if any(map(_is_mask, call.value("indices"))):
        sizes = call.outputs[0].shape[start : start + len(block)]
        call.pin(block, LOOKED_UP)
        block = [call.pinned(size, "as many as a mask says") for size in sizes]
    result = [*kept[:start], *block, *kept[start:]]
    if "mask" in call.arguments:
        result = meet(call, [result, call.axes("mask")], len(result))
    return [result]


def indexed(call: Call, axes: Axes) -> tuple[int, Axes, Axes]:
    """
    Pin the *axes* that the argument ``indices`` looks up.

    Returns:
        Where the block of axes stands that the indices broadcast to: where the indexed axes
        stood if these are neighbours, else in front. The block, in which a truth mask counts as
        one axis of size 1. The axes that are not indexed.
    """
    given: list[int] = []
    chosen: list[Axes] = []
    at = 0
    for tensor in call.value("indices"):
        mask = _is_mask(tensor)
        count = tensor.dim() if mask else 1
        if tensor is not None:
            given += range(at, at + count)
            chosen.append([atom(1)] if mask else call.axes_of(tensor))
        if mask:
            call.pin(call.axes_of(tensor), LOOKED_UP)
        at += count
    call.pin([axes[i] for i in given], LOOKED_UP)
    block = meet(call, chosen, max(map(len, chosen), default=0))
    neighbours = bool(given) and given == list(range(given[0], given[-1] + 1))
    kept = [axis for i, axis in enumerate(axes) if i not in given]
    return given[0] if neighbours else 0, block, kept


def _is_mask(tensor: Any) -> bool:
    return tensor is not None and tensor.dtype in (torch.bool, torch.uint8)


def gather(call: Call) -> list[Axes]:
    """Each output position names a position of one axis; the other axes are shared."""
    axes, indices = call.axes("self"), call.axes("index")
    dim = call.dim() if axes else 0
    for i, (axis, at) in enumerate(zip(axes, indices, strict=False)):
        if i == dim or axis.size != at.size:
            call.pin([axis, at], LOOKED_UP)
        else:
            call.unify(axis, at)
    return [list(indices)]


def take(call: Call) -> list[Axes]:
    """Elements are looked up by their number among all."""
    call.pin(call.axes("self"), LOOKED_UP)
    return [call.axes("index")]


def search(call: Call) -> list[Axes]:
    """Each value is looked up in a sorted row of its own, or in one row for all."""
    values = call.maybe_axes("self") if isinstance(call.value("self"), torch.Tensor) else []
    rows = call.axes("sorted_sequence" if "sorted_sequence" in call.arguments else "boundaries")
    for axes in [rows, *(call.maybe_axes(name) or [] for name in ("sorter",))]:
        call.pin(axes[-1:], "sorted values are searched")
        if len(axes) > 1 and values:
            call.unify_all(axes[:-1], values[:-1])
    return [values or []]


def is_in(call: Call) -> list[Axes]:
    """Each element is looked up among all test elements."""
    tested = call.arguments.get("test_elements")
    if isinstance(tested, torch.Tensor):
        call.pin(call.axes_of(tested), LOOKED_UP)
    elements = call.arguments.get("elements")
    return [call.axes_of(elements) if isinstance(elements, torch.Tensor) else []]


RULES: dict[str, Rule] = {
    "_embedding_bag": embedding_bag,
    "_embedding_bag_forward_only": embedding_bag,
    "_unsafe_index": index,
    "_unsafe_masked_index": index,
    "bucketize": search,
    "embedding": embedding,
    "gather": gather,
    "index": index,
    "index_select": index_select,
    "isin": is_in,
    "searchsorted": search,
    "take": take,
}
