"""Operators that join tensors along one axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...axes import concat
from .pointwise import meet


if TYPE_CHECKING:
    from ..call import Axes, Call, Rule


def cat(call: Call) -> list[Axes]:
    """The joined axis is the concat of its parts; the other axes are the same units."""
    rank = call.outputs[0].dim()
    # torch lets an empty tensor of rank 1 stand among tensors of any rank.
    pieces = [axes for axes in call.all_axes("tensors") if len(axes) == rank]
    dim = call.dim(rank=rank)
    result = list(pieces[0])
    for axes in pieces[1:]:
        for i in range(rank):
            if i != dim:
                call.unify(result[i], axes[i])
    result[dim] = concat(*(axes[dim] for axes in pieces))
    return [result]


def stack(call: Call) -> list[Axes]:
    """A new axis numbers the tensors; their own axes are the same units."""
    pieces = call.all_axes("tensors")
    rank = len(pieces[0]) + 1
    dim = call.dim(rank=rank)
    result = meet(call, pieces, rank - 1)
    return [[*result[:dim], call.pinned(len(pieces), "stacked tensors"), *result[dim:]]]


RULES: dict[str, Rule] = {
    "_stack": stack,
    "cat": cat,
    "concat": cat,
    "concatenate": cat,
    "stack": stack,
}
