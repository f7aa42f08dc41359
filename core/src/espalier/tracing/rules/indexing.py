"""Look-ups by index: the axis that is looked up can't change, the others pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ...errors import AxisError
from .pointwise import meet


if TYPE_CHECKING:
    from ..call import Axes, Call, Rule

_LOOKED_UP = "looked up by index"


def embedding(call: Call) -> list[Axes]:
    """Rows of the weight ``(rows, width)`` replace indices."""
    weight = call.axes("weight")
    call.pin(weight[0], _LOOKED_UP)
    return [[*call.axes("indices"), *weight[1:]]]


def index_select(call: Call) -> list[Axes]:
    """Positions of one axis are picked by a vector of indices."""
    axes, dim = call.axes("self"), call.dim()
    call.pin(axes[dim], _LOOKED_UP)
    return [[*axes[:dim], *call.axes("index"), *axes[dim + 1 :]]]


def index(call: Call) -> list[Axes]:
    """
    Several axes are indexed together; their indices broadcast to one block of axes.

    The block stands where the indexed axes stood if these are neighbours, else in front.
    """
    axes = call.axes("self")
    given = [i for i, chosen in enumerate(call.value("indices")) if chosen is not None]
    chosen = [t for t in call.value("indices") if t is not None]
    call.pin([axes[i] for i in given], _LOOKED_UP)
    if any(t.dtype in (torch.bool, torch.uint8) for t in chosen):
        raise AxisError("a mask takes as many axes as it has")
    rank = max(t.dim() for t in chosen)
    block = meet(call, [call._axes_of(t) for t in chosen], rank)  # noqa: SLF001
    kept = [axis for i, axis in enumerate(axes) if i not in given]
    neighbours = given == list(range(given[0], given[-1] + 1))
    at = given[0] if neighbours else 0
    return [[*kept[:at], *block, *kept[at:]]]


def gather(call: Call) -> list[Axes]:
    """Each output position names a position of one axis; the other axes are shared."""
    axes, indices = call.axes("self"), call.axes("index")
    dim = call.dim() if axes else 0
    for i, (axis, at) in enumerate(zip(axes, indices, strict=False)):
        if i == dim or axis.size != at.size:
            call.pin([axis, at], _LOOKED_UP)
        else:
            call.unify(axis, at)
    return [list(indices)]


RULES: dict[str, Rule] = {
    "embedding": embedding,
    "gather": gather,
    "index": index,
    "index_select": index_select,
}
