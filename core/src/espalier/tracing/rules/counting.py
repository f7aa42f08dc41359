"""Operators whose values decide shapes or the flow: nothing that they read can change."""

from __future__ import annotations

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from ..call import Axes, Call, Rule


def counted(call: Call) -> list[Axes]:
    """How large the result is, or which position means what, depends on values."""
    text = f"{call.name} counts or finds units by their values"
    for axes in call.operands():
        call.pin(axes, text)
    return [call.pinned_shape(text, i) for i in range(len(call.outputs))]


def draw(call: Call) -> list[Axes]:
    """Positions of the last axis are drawn."""
    *batch, drawn = call.axes("self")
    text = "positions on the axis are drawn"
    call.pin(drawn, text)
    return [[*batch, call.pinned(call.outputs[0].shape[-1], text)]]


def check(_: Call) -> list[Axes]:
    """Something is asserted, which holds for fewer units or fails for them alone."""
    return []


_COUNTING = (
    "_local_scalar_dense",
    "_unique",
    "_unique2",
    "bincount",
    "equal",
    "histc",
    "item",
    "masked_select",
    "nonzero",
    "nonzero_static",
    "repeat_interleave",
    "unique_consecutive",
    "unique_dim",
    "unique_dim_consecutive",
)
_CHECKS = (
    "_assert_async",
    "_assert_tensor_metadata",
    "_functional_assert_async",
    "_fused_sdp_choice",
    "_linalg_check_errors",
    "is_same_size",
)
RULES: dict[str, Rule] = {
    **dict.fromkeys(_COUNTING, counted),
    **dict.fromkeys(_CHECKS, check),
    "multinomial": draw,
}
