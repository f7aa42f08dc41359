"""Scaled dot-product attention, in the variants that torch picks by device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .pointwise import meet


if TYPE_CHECKING:
    from ...axes import Axis
    from ..call import Axes, Call, Rule


def attention(call: Call) -> list[Axes]:
    """
    Relate query ``(B, H, T, E)``, key ``(B, G, S, E)``, value ``(B, G, S, F)``.

    Where there are fewer key-value heads ``G`` than query heads ``H``, each serves a group, so
    ``H = G * (H / G)``. The output is ``(B, H, T, F)``. Counts ``B * H * T * S * (E + F)``.
    """
    query, key, value = call.axes("query"), call.axes("key"), call.axes("value")
    call.unify(query[-1], key[-1])
    call.unify(key[-2], value[-2])
    for i in range(len(query) - 2):
        call.unify(key[i], value[i])
        _share_heads(call, query[i], key[i])
    batch, rows, columns = query[:-2], query[-2], key[-2]
    for name in ("attn_mask", "attn_bias"):
        mask = call.maybe_axes(name)
        if mask:
            meet(call, [[*batch, rows, columns], mask], len(query))
    call.macs(*batch, rows, columns, query[-1])
    call.macs(*batch, rows, columns, value[-1])
    return [[*batch, rows, value[-1]]]


def _share_heads(call: Call, heads: Axis, groups: Axis) -> None:
    if groups.size not in (heads.size, 1):
        group, _ = call.split_product(heads, groups.size, heads.size // groups.size)
        call.unify(group, groups)
    elif groups.size != 1:
        call.unify(heads, groups)


RULES: dict[str, Rule] = dict.fromkeys(
    (
        "_scaled_dot_product_attention_math",
        "_scaled_dot_product_attention_math_for_mps",
        "_scaled_dot_product_cudnn_attention",
        "_scaled_dot_product_efficient_attention",
        "_scaled_dot_product_flash_attention",
        "_scaled_dot_product_flash_attention_for_cpu",
        "_scaled_dot_product_fused_attention_overrideable",
        "scaled_dot_product_attention",
    ),
    attention,
)
