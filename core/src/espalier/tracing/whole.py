"""Functions that count as one operator, whichever kernels torch makes of them."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import attrs
import torch
from torch.nn import functional


if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch._ops import OpOverload, OpOverloadPacket

_ATEN = torch.ops.aten

# Which kernels run depends on sizes, dtypes, the device and on how torch was built.
_OPERATORS: Mapping[Any, OpOverloadPacket[Any, Any]] = {
    functional.linear: _ATEN.linear,
    functional.rms_norm: _ATEN.rms_norm,
    functional.scaled_dot_product_attention: _ATEN.scaled_dot_product_attention,
    torch._pad_packed_sequence: _ATEN._pad_packed_sequence,  # noqa: SLF001
    torch.Tensor.__matmul__: _ATEN.matmul,
    torch.Tensor.matmul: _ATEN.matmul,
    torch.gru: _ATEN.gru,
    torch.gru_cell: _ATEN.gru_cell,
    torch.lstm: _ATEN.lstm,
    torch.lstm_cell: _ATEN.lstm_cell,
    torch.matmul: _ATEN.matmul,
    torch.rms_norm: _ATEN.rms_norm,
    torch.rnn_relu: _ATEN.rnn_relu,
    torch.rnn_relu_cell: _ATEN.rnn_relu_cell,
    torch.rnn_tanh: _ATEN.rnn_tanh,
    torch.rnn_tanh_cell: _ATEN.rnn_tanh_cell,
}


class WholeCall(NamedTuple):
    """A call of a function, as a call of the operator that it counts as."""

    op: OpOverload[Any, Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


def whole_call(
    function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> WholeCall | None:
    """Return what a call of *function* counts as; ``None`` if only what it runs counts."""
    if function is functional.multi_head_attention_forward:
        return _multi_head_attention(args, kwargs)
    if function is torch.functional.einsum and isinstance(args[0], str):
        tensors = args[1] if isinstance(args[1], (list, tuple)) else args[1:]
        return WholeCall(_ATEN.einsum.default, (args[0], tensors), {})
    packet = _OPERATORS.get(function)
    if packet is None:
        return None
    if packet is _ATEN.matmul and "input" in kwargs:  # as the function calls it
        kwargs = {"self" if name == "input" else name: given for name, given in kwargs.items()}
    overloads = packet.overloads()
    name = overloads[0] if len(overloads) == 1 else _resolve(packet, args, kwargs)
    return WholeCall(getattr(packet, name), args, kwargs)


def _resolve(
    packet: OpOverloadPacket[Any, Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> str:
    found: str = torch._C._jit_resolve_packet(packet._qualified_op_name, *args, **kwargs)  # noqa: SLF001
    return found


@attrs.frozen(eq=False)
class _Composite:
    """What is read of an operator, for a function of Python that is none."""

    _schema: Any
    tags: tuple[Any, ...] = ()
    is_view: bool = False


@functools.cache
def _multi_head_operator() -> OpOverload[Any, Any]:
    # The function's own arguments, and the size of a head, which it computes.
    schema = (
        "aten::multi_head_attention_forward(Tensor query, Tensor key, Tensor value, "
        "int embed_dim_to_check, int num_heads, Tensor? in_proj_weight, Tensor? in_proj_bias, "
        "Tensor? bias_k, Tensor? bias_v, bool add_zero_attn, float dropout_p, "
        "Tensor out_proj_weight, Tensor? out_proj_bias, bool training=True, "
        "Tensor? key_padding_mask=None, bool need_weights=True, Tensor? attn_mask=None, "
        "bool use_separate_proj_weight=False, Tensor? q_proj_weight=None, "
        "Tensor? k_proj_weight=None, Tensor? v_proj_weight=None, Tensor? static_k=None, "
        "Tensor? static_v=None, bool average_attn_weights=True, bool is_causal=False, "
        "int head_dim=0) -> (Tensor, Tensor?)"
    )
    return cast("OpOverload[Any, Any]", _Composite(torch._C.parse_schema(schema)))  # noqa: SLF001


def _multi_head_attention(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> WholeCall:
    function = functional.multi_head_attention_forward
    given = inspect.signature(function).bind(*args, **kwargs).arguments
    head_dim = int(given["embed_dim_to_check"]) // int(given["num_heads"])
    return WholeCall(_multi_head_operator(), (), {**given, "head_dim": head_dim})
