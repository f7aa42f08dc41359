"""Grouped matrix products: one matrix for each group of rows, as for a mixture of experts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import AxisError
from .matmul import contract


if TYPE_CHECKING:
    from ...axes import Axis
    from ..call import Axes, Call, Rule

_BATCHED = 3  # axes of a factor that holds one matrix for each group
_ROWS = "groups lie one after the other"


def grouped_mm(call: Call) -> list[Axes]:
    """
    Relate the operands of a product in ``G`` groups, whose ends ``offs`` tells.

    The groups divide the rows of ``(M, K)`` by ``(G, K, N)``, the columns of ``(G, M, K)`` by
    ``(K, N)``, or the inner axis of ``(M, K)`` by ``(K, N)``, which gives ``(G, M, N)``.
    ``(G, M, K)`` by ``(G, K, N)`` is a plain batch. What is divided can't change, nor can the
    groups: their ends say where they lie, one after the other.

    Raises:
        AxisError: If there is a bias, for which torch has no kernel yet.
    """
    if call.arguments.get("bias") is not None:
        raise AxisError("a bias of groups is not understood")
    a, b = _factors(call)
    offsets = call.maybe_axes("offs")
    if len(a) == len(b) == _BATCHED:
        result = contract(call, a, b)
    else:
        call.unify(a[-1], b[-2])
        call.sum_over(a[-1], b[-2])
        result = _divided(call, a, b, (offsets or [call.pinned(1, _ROWS)])[0])
    return [result]


def _factors(call: Call) -> tuple[Axes, Axes]:
    if "mat2" in call.arguments:
        return call.axes("self"), call.axes("mat2")
    return call.axes("input"), call.axes("weight")


def _divided(call: Call, a: Axes, b: Axes, groups: Axis) -> Axes:
    if len(a) == len(b):
        divided, result = a[-1], [groups, a[-2], b[-1]]
    elif len(b) == _BATCHED:
        call.unify(groups, b[0])
        divided, result = a[0], [a[0], b[-1]]
    else:
        call.unify(groups, a[0])
        divided, result = b[-1], [a[-2], b[-1]]
    call.macs(a[-2], a[-1], b[-1])
    call.pin([divided, groups], _ROWS)
    return result


RULES: dict[str, Rule] = {
    "_grouped_mm": grouped_mm,
    "transformers::grouped_mm_fallback": grouped_mm,
}
