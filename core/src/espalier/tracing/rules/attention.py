"""Scaled dot-product attention, in the variants that torch picks by device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...axes import atom
from .pointwise import meet


if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...axes import Axis
    from ..call import Axes, Call, Rule


def attention(call: Call) -> list[Axes]:
    """
    Relate query ``(B, H, T, E)``, key ``(B, G, S, E)``, value ``(B, G, S, F)``.

    Where there are fewer key-value heads ``G`` than query heads ``H``, each serves a group, so
    ``H = G * (H / G)``. The output is ``(B, H, T, F)``. Counts ``B * H * T * S * (E + F)``.
    """
    query, key, value = _of_one_rank(call.axes(name) for name in ("query", "key", "value"))
    rows, columns = query[-2], key[-2]
    call.unify(query[-1], key[-1])
    call.unify(columns, value[-2])
    if call.arguments.get("is_causal"):
        call.pin([rows, columns], "causal attention depends on the order of positions")
    batch = [_share(call, own, _share(call, key[i], value[i])) for i, own in enumerate(query[:-2])]
    for name in ("attn_mask", "attn_bias"):
        mask = call.maybe_axes(name)
        if mask:
            meet(call, [[*batch, rows, columns], mask], len(query))
    call.macs(*batch, rows, columns, query[-1])
    call.macs(*batch, rows, columns, value[-1])
    return [[*batch, rows, value[-1]]]


def _of_one_rank(operands: Iterable[Axes]) -> list[Axes]:
    given = list(operands)
    rank = max(map(len, given))
    return [[*(atom(1) for _ in range(rank - len(axes))), *axes] for axes in given]


def _share(call: Call, heads: Axis, groups: Axis) -> Axis:
    """Relate the heads to as many groups, to fewer that each serve several, or to one for all."""
    if heads.size == 1 or groups.size == 1:
        return groups if heads.size == 1 else heads
    if heads.size != groups.size:
        group, _ = call.split_product(heads, groups.size, heads.size // groups.size)
        call.unify(group, groups)
    else:
        call.unify(heads, groups)
    return heads


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
