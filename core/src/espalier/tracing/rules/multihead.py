"""Attention with its projections: `torch.nn.functional.multi_head_attention_forward`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from ...axes import Axis, concat, product
from ...errors import AxisError


if TYPE_CHECKING:
    from ..call import Axes, Call, Rule


@attrs.frozen
class _Operands:
    """
    The axes of query, key and value by what they mean.

    Args:
        batch: That of the batch, or none.

        rows: Positions of the query.

        columns: Positions of key and value.

        width: Units of the query.

        key: Units of the key.

        value: Units of the value.
    """

    batch: Axes
    rows: Axis
    columns: Axis
    width: Axis
    key: Axis
    value: Axis


def multi_head_attention(call: Call) -> list[Axes]:
    """
    Relate query ``(L, N, E)``, key ``(S, N, K)``, value ``(S, N, V)`` and all parameters.

    The function takes the width of the query for that of all heads together, so ``E = heads *
    head_dim`` throughout. An even number of heads stays even: torch refuses nested tensors and
    its fused kernels otherwise.
    """
    if call.value("static_k") is not None or call.value("static_v") is not None:
        raise AxisError("projected keys and values are given")
    operands = _operands(call)
    count: int = call.value("num_heads")
    heads, inner = call.split_product(operands.width, count, operands.width.size // count)
    if count % 2 == 0:
        _, pair = call.split_product(heads, count // 2, 2)
        call.pin(pair, "torch's fused attention takes an even number of heads")
    call.follow("embed_dim_to_check", operands.width)
    call.follow("num_heads", heads)
    call.follow("head_dim", inner)
    _relate_projections(call, operands)
    columns = _extended(call, operands)
    _relate_masks(call, operands, heads)
    positions = [operands.rows, *operands.batch]
    call.macs(*positions, columns, operands.width, coefficient=2)
    out = call.axes("out_proj_weight")[0]
    result = [*positions, out]
    if not call.value("need_weights"):
        return [result]
    per_head = [] if call.value("average_attn_weights") else [heads]
    return [result, [*operands.batch, *per_head, operands.rows, columns]]


def _operands(call: Call) -> _Operands:
    query, key, value = (call.axes(name) for name in ("query", "key", "value"))
    for a, b in zip(key[:-1], value[:-1], strict=True):
        call.unify(a, b)
    if len(query) > 2:  # noqa: PLR2004 - with a batch
        call.unify(query[1], key[1])
    return _Operands(query[1:-1], query[0], key[0], query[-1], key[-1], value[-1])


def _relate_projections(call: Call, operands: _Operands) -> None:
    width = operands.width
    three = product(call.pinned(3, "query, key and value in one matrix"), width)
    if call.value("use_separate_proj_weight"):
        for name, source in (("q", width), ("k", operands.key), ("v", operands.value)):
            call.unify_all(call.axes(f"{name}_proj_weight"), [width, source])
            call.sum_over(call.axes(f"{name}_proj_weight")[1])
    else:
        call.unify_all(call.axes("in_proj_weight"), [three, width])
        call.sum_over(call.axes("in_proj_weight")[1])
        call.unify(operands.key, width)
        call.unify(operands.value, width)
    _unify_last(call, "in_proj_bias", three)
    _unify_last(call, "bias_k", width)
    _unify_last(call, "bias_v", width)
    out, source = call.axes("out_proj_weight")
    call.unify(source, width)
    call.sum_over(source)
    if out.size == width.size:  # as `torch.nn.MultiheadAttention` is made
        call.unify(out, width)
    _unify_last(call, "out_proj_bias", out)
    rows, columns = [operands.rows, *operands.batch], [operands.columns, *operands.batch]
    call.macs(*rows, width, width)
    call.macs(*columns, operands.key, width)
    call.macs(*columns, operands.value, width)
    call.macs(*rows, width, out)


def _unify_last(call: Call, name: str, axis: Axis) -> None:
    axes = call.maybe_axes(name)
    if axes:
        call.unify(axes[-1], axis)


def _extended(call: Call, operands: _Operands) -> Axis:
    """Return the positions that are attended to: one more for a bias, and one for zeros."""
    further = [call.arguments["bias_k"] is not None, call.value("add_zero_attn")]
    made = [call.pinned(1, "a position that attention adds") for _ in range(sum(further))]
    return concat(operands.columns, *made)


def _relate_masks(call: Call, operands: _Operands, heads: Axis) -> None:
    """Relate masks ``(L, S)`` or ``(N * heads, L, S)``, and ``(N, S)`` of padding."""
    if call.value("is_causal"):
        call.pin(
            [operands.rows, operands.columns], "causal attention depends on the order of positions"
        )
    mask, padding = call.maybe_axes("attn_mask"), call.maybe_axes("key_padding_mask")
    if mask:
        call.unify_all(mask[-2:], [operands.rows, operands.columns])
        if len(mask) > 2 and mask[0].size > 1:  # noqa: PLR2004 - one for each sample and head
            call.unify(mask[0], product(*operands.batch, heads))
    if padding:
        call.unify_all(padding, [*operands.batch, operands.columns])


RULES: dict[str, Rule] = {"multi_head_attention_forward": multi_head_attention}
