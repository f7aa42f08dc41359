"""Operators for which the order of the units matters: the axis they work along can't change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .pointwise import meet


if TYPE_CHECKING:
    from ..call import Axes, Call, Rule


def along_dim(call: Call) -> list[Axes]:
    """Pin the axis given by ``dim``; the shape stays, or changes along that axis only."""
    axes, dim = call.axes("self"), call.dim()
    text = _text(call)
    call.pin(axes[dim], text)
    results = []
    for output in call.outputs:
        same = output.shape[dim] == axes[dim].size
        here = axes[dim] if same else call.pinned(output.shape[dim], text)
        results.append([*axes[:dim], here, *axes[dim + 1 :]])
    return results


def along_dims(call: Call) -> list[Axes]:
    """The same for a list of dimensions; an empty one means all."""
    axes = call.axes("self")
    dims = call.value("dims") or range(len(axes))
    call.pin([axes[dim] for dim in dims], _text(call))
    return [list(axes)]


def quarter_turns(call: Call) -> list[Axes]:
    """Two axes are turned into each other."""
    axes = list(call.axes("self"))
    a, b = (dim % len(axes) for dim in call.value("dims"))
    call.pin([axes[a], axes[b]], _text(call))
    if call.value("k") % 2:
        axes[a], axes[b] = axes[b], axes[a]
    return [axes]


def cross(call: Call) -> list[Axes]:
    """A vector product along one axis of both operands."""
    result = meet(call, call.operands(), call.outputs[0].dim())
    call.pin(result[call.value("dim")], _text(call))
    return [result]


def triangle(call: Call) -> list[Axes]:
    """Keep a triangle of the last two axes."""
    axes = call.axes("self")
    call.pin(axes[-2:], _text(call))
    return [list(axes)]


def _text(call: Call) -> str:
    return f"{call.name} depends on the order of the units"


_ALONG_DIM = (
    "_logcumsumexp",
    "argsort",
    "cummax",
    "cummin",
    "cumprod",
    "cumsum",
    "logcumsumexp",
    "sort",
    "topk",
)
RULES: dict[str, Rule] = {
    **dict.fromkeys(_ALONG_DIM, along_dim),
    "flip": along_dims,
    "linalg_cross": cross,
    "roll": along_dims,
    "rot90": quarter_turns,
    "tril": triangle,
    "triu": triangle,
}
