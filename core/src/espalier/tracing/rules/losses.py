"""Losses: pointwise, or a look-up of the right class, and then perhaps a reduction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .pointwise import meet


if TYPE_CHECKING:
    from ..call import Axes, Call, Rule


def pointwise(call: Call) -> list[Axes]:
    """Operands broadcast; with a reduction their axes go."""
    operands = call.operands()
    met = meet(call, operands, max(map(len, operands)))
    return [[] if call.value("reduction") else met]


def nll(call: Call) -> list[Axes]:
    """The target ``(N, *S)`` looks up classes of ``(N, C, *S)``."""
    axes, target = call.axes("self"), call.axes("target")
    classes = 1 if len(axes) > 1 else 0
    call.pin([axes[classes], *(call.maybe_axes("weight") or [])], "looked up by index")
    rest = axes[:classes] + axes[classes + 1 :]
    call.unify_all(rest, target)
    return [[] if call.value("reduction") else rest, []]


_POINTWISE = (
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "huber_loss",
    "mse_loss",
    "smooth_l1_loss",
    "soft_margin_loss",
)
RULES: dict[str, Rule] = {
    **dict.fromkeys(_POINTWISE, pointwise),
    "nll_loss2d_forward": nll,
    "nll_loss_forward": nll,
}
