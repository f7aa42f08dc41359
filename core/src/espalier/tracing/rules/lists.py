"""Operators on lists of tensors, which do to each what a plain operator does to one."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import torch

from .matmul import contract
from .pointwise import meet


if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from ..call import Axes, Call, Rule


def pointwise(call: Call) -> list[Axes]:
    """The tensors at one place of all lists broadcast; a single tensor goes to each place."""
    return [_meet(call, [call.axes_of(t) for t in row]) for row in _rows(call)]


def reduction(call: Call) -> list[Axes]:
    """Each tensor is reduced to a number."""
    return [[] for _ in call.outputs]


def mm(call: Call) -> list[Axes]:
    """Matrices are multiplied pair by pair."""
    pairs = zip(call.all_axes("self"), call.all_axes("mat2"), strict=True)
    return [contract(call, a, b) for a, b in pairs]


def _meet(call: Call, operands: list[Axes]) -> Axes:
    return meet(call, operands, max(map(len, operands)))


def _rows(call: Call) -> Iterator[list[Tensor]]:
    given = [v for name, v in call.arguments.items() if name != "out"]
    lists = [v for v in given if _is_list(v)]
    singles = [v for v in given if isinstance(v, torch.Tensor)]
    for tensor in singles:  # one number for each place
        if "scalars" in call.arguments:
            call.pin(call.axes_of(tensor), "one number for each tensor of a list")
    shared = [tensor for tensor in singles if tensor.dim() == 0]
    for row in zip(*lists, strict=True):
        yield [*row, *shared]


def _is_list(value: object) -> bool:
    return (
        isinstance(value, (list, tuple))
        and bool(value)
        and all(isinstance(item, torch.Tensor) for item in value)
    )


@functools.cache
def find(name: str) -> Rule | None:
    """Return the rule of the list operator *name*, ``"aten::_foreach_add"``."""
    if not name.startswith("aten::_foreach_"):
        return None
    return _OTHERS.get(name.removeprefix("aten::_foreach_"), pointwise)


_OTHERS: dict[str, Rule] = {"max": reduction, "mm": mm, "norm": reduction, "powsum": reduction}
