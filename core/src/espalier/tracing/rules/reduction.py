"""Operators that reduce over axes, the order of whose units does not matter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...axes import atom
from .pointwise import broadcast, meet


if TYPE_CHECKING:
    from ..call import Axes, Call, Rule


def reduce(call: Call) -> list[Axes]:
    """The reduced axes go, or stay with size 1; the others pass."""
    axes = call.axes("self")
    dims = _dims(call, len(axes))
    if call.arguments.get("keepdim"):
        kept = [atom(1) if i in dims else axis for i, axis in enumerate(axes)]
    else:
        kept = [axis for i, axis in enumerate(axes) if i not in dims]
    return [kept for _ in call.outputs]


def locate(call: Call) -> list[Axes]:
    """
    The result is a position on the axis, so its units must stay in their places.

    Some of these names have overloads that give no position: the largest of all elements, and the
    larger of two tensors.
    """
    if "other" in call.arguments:
        return broadcast(call)
    if "dim" not in call.arguments:
        return reduce(call)
    axes = call.axes("self")
    dims = _dims(call, len(axes))
    call.pin([axes[dim] for dim in dims], "positions on the axis are looked up")
    return reduce(call)


def distance(call: Call) -> list[Axes]:
    """A norm of the difference of two tensors, which broadcast."""
    operands = call.operands()
    meet(call, operands, max(map(len, operands)))
    return [[]]


def _dims(call: Call, rank: int) -> set[int]:
    dims = call.arguments.get("dim")
    if dims == [] and call.name in ("all", "any"):
        return set()  # for others an empty list means all axes
    if dims is None or dims == []:
        return set(range(rank))
    return {dim % rank for dim in ([dims] if isinstance(dims, int) else dims)} if rank else set()


_ORDERLESS = (
    "_is_all_true",
    "_is_any_true",
    "all",
    "amax",
    "amin",
    "aminmax",
    "any",
    "count_nonzero",
    "linalg__powsum",
    "linalg_vector_norm",
    "logsumexp",
    "mean",
    "nansum",
    "norm",
    "prod",
    "std",
    "std_mean",
    "sum",
    "var",
    "var_mean",
)
# Those that return where they found it.
_LOCATING = ("argmax", "argmin", "kthvalue", "max", "median", "min", "mode", "nanmedian")
RULES: dict[str, Rule] = {
    **dict.fromkeys(_ORDERLESS, reduce),
    **dict.fromkeys(_LOCATING, locate),
    "dist": distance,
}
