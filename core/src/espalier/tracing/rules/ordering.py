"""Operators for which the order of the units matters: the axis they work along can't change."""

from __future__ import annotations

from typing import TYPE_CHECKING


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


def triangle(call: Call) -> list[Axes]:
    """Keep a triangle of the last two axes."""
    axes = call.axes("self")
    call.pin(axes[-2:], _text(call))
    return [list(axes)]


def _text(call: Call) -> str:
    return f"{call.op._schema.name.removeprefix('aten::')} depends on the order of the units"  # noqa: SLF001


_ALONG_DIM = ("cummax", "cummin", "cumprod", "cumsum", "logcumsumexp", "sort", "topk")
RULES: dict[str, Rule] = {
    **dict.fromkeys(_ALONG_DIM, along_dim),
    "argsort": along_dim,
    "flip": along_dims,
    "roll": along_dims,
    "tril": triangle,
    "triu": triangle,
}
