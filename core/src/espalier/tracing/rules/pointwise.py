"""Operators that act on each element: operands broadcast, axes stay what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...axes import Axis, atom
from ...errors import AxisError


if TYPE_CHECKING:
    from ..call import Axes, Call, Rule


def broadcast(call: Call) -> list[Axes]:
    """Line the operands up at their last axis; whatever meets there is the same units."""
    if not call.tensors():  # drawn from a distribution with numbers for parameters
        return [call.fresh(i) for i in range(len(call.outputs))]
    rank = max((output.dim() for output in call.outputs), default=0)
    operands = call.operands()
    if any(len(axes) > rank for axes in operands):
        raise AxisError("an operand has more axes than the result")
    result = meet(call, operands, rank)
    shape = tuple(axis.size for axis in result)
    return [result for output in call.outputs if tuple(output.shape) == shape]


def meet(call: Call, operands: list[Axes], rank: int) -> Axes:
    """Unify *operands* axis by axis from the last, and return what they broadcast to."""
    result: list[Axis] = []
    for position in range(-rank, 0):
        here = [axes[position] for axes in operands if len(axes) >= -position]
        wide = [axis for axis in here if axis.size != 1]
        for axis in wide[1:]:
            call.unify(wide[0], axis)
        result.append((wide or here or [atom(1)])[0])
    return result


# Pointwise operators that torch does not tag as such.
_UNTAGGED = (
    "__irshift__",
    "__lshift__",
    "__rshift__",
    "_add_relu",
    "_conj",
    "_conj_copy",
    "_neg_view",
    "_neg_view_copy",
    "_pin_memory",
    "_prelu_kernel",
    "_standard_gamma",
    "_to_copy",
    "alias",
    "alias_copy",
    "bernoulli",
    "binomial",
    "cauchy",
    "clone",
    "complex",
    "conj",
    "contiguous",
    "copy",
    "detach",
    "detach_copy",
    "dropout",
    "empty_like",
    "exponential",
    "fill",
    "floor_divide",
    "full_like",
    "geometric",
    "hardswish",
    "imag",
    "isclose",
    "lift",
    "lift_fresh",
    "lift_fresh_copy",
    "log_normal",
    "log_sigmoid",
    "log_sigmoid_forward",
    "masked_fill",
    "native_dropout",
    "normal",
    "ones_like",
    "poisson",
    "polar",
    "rand_like",
    "randint_like",
    "randn_like",
    "random",
    "real",
    "resolve_conj",
    "resolve_neg",
    "rrelu_with_noise",
    "to",
    "uniform",
    "where",
    "zero",
    "zeros_like",
)
RULES: dict[str, Rule] = dict.fromkeys(_UNTAGGED, broadcast)
