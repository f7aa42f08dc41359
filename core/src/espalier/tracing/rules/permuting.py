"""Operators that put the axes of a tensor in another order."""

from __future__ import annotations

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from ..call import Axes, Call, Rule


def permute(call: Call) -> list[Axes]:
    """Output axis ``i`` is input axis ``dims[i]``."""
    axes = call.axes("self")
    return [[axes[dim] for dim in call.value("dims")]]


def transpose(call: Call) -> list[Axes]:
    """Two axes change places."""
    axes = list(call.axes("self"))
    if axes:
        a, b = call.dim("dim0"), call.dim("dim1")
        axes[a], axes[b] = axes[b], axes[a]
    return [axes]


def reverse(call: Call) -> list[Axes]:
    """The axes come in reverse order."""
    return [call.axes("self")[::-1]]


RULES: dict[str, Rule] = {
    "permute": permute,
    "permute_copy": permute,
    "t": reverse,
    "t_copy": reverse,
    "transpose": transpose,
    "transpose_copy": transpose,
}
