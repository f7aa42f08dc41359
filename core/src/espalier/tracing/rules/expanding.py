"""Operators that repeat a tensor along its axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...axes import atom, product


if TYPE_CHECKING:
    from ..call import Axes, Call, Rule


def expand(call: Call) -> list[Axes]:
    """Axes of size 1 are stretched to new ones; the others stay."""
    result = call.fresh()
    axes = call.axes("self")
    for i, axis in enumerate(reversed(axes), start=1):
        if axis.size != 1:
            result[-i] = axis
    call.follow("size", *result, kind="shape")
    return [result]


def repeat(call: Call) -> list[Axes]:
    """Each axis becomes the product of its repeats and itself."""
    counts = call.value("repeats")
    axes = [atom(1)] * (len(counts) - len(call.axes("self"))) + call.axes("self")
    return [[product(atom(n), axis) for n, axis in zip(counts, axes, strict=True)]]


RULES: dict[str, Rule] = {"expand": expand, "expand_copy": expand, "repeat": repeat}
