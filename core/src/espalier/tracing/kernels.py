"""Kernels for fake tensors, where torch's own refuse what its real ones accept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

_ALIGNMENT_BYTES = 16


def run_on_fakes(op: torch._ops.OpOverload, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Return what *op* gives for fake *args* and *kwargs*."""
    kernel = KERNELS.get(op)
    return op(*args, **kwargs) if kernel is None else kernel(*args, **kwargs)


def grouped_mm(
    self: Tensor,
    mat2: Tensor,
    offs: Tensor | None = None,
    bias: Tensor | None = None,
    out_dtype: torch.dtype | None = None,
) -> Tensor:
    """
    Return a matrix product for each group of rows, of any dtype: torch's takes ``bfloat16`` only.

    Args:
        self: Shape ``(rows, k)`` or ``(groups, rows, k)``.

        mat2: Shape ``(k, columns)`` or ``(groups, k, columns)``.

        offs: Where each group ends, shape ``(groups,)``.

        bias: Not looked at.

        out_dtype: Of the result, if another than that of *self*.

    Raises:
        RuntimeError: If shapes or strides are such as the real kernels refuse.
    """
    del bias
    for matrix in (self, mat2):
        if all(
            stride * matrix.element_size() % _ALIGNMENT_BYTES for stride in matrix.stride()[-2:]
        ):
            raise RuntimeError("strides should be multiple of 16 bytes")
    if not self.dim() == mat2.dim() == 2 and self.shape[-1] != mat2.shape[-2]:  # noqa: PLR2004
        raise RuntimeError("contraction dimension of mat_a and mat_b must match")
    rows, columns = self.shape[-2], mat2.shape[-1]
    groups = [offs.shape[0]] if offs is not None else []
    if self.dim() == mat2.dim() == 3:  # noqa: PLR2004
        groups = [self.shape[0]]
    elif self.dim() != mat2.dim():
        groups = []
    dtype = out_dtype or self.dtype
    step = _ALIGNMENT_BYTES // dtype.itemsize
    padded = -(-columns // step) * step
    strides = [rows * padded, padded, 1][-len(groups) - 2 :]
    return torch.empty_strided([*groups, rows, columns], strides, dtype=dtype, device=self.device)


def packed(function: Callable[..., tuple[Tensor, ...]]) -> Callable[..., tuple[Tensor, ...]]:
    """
    Return the kernel of a recurrent layer for packed sequences, whose lengths torch's would read.

    It runs *function*, the layer, on all steps as those of one sequence, which has the same sizes.
    """

    def kernel(data: Tensor, batch_sizes: Tensor, hx: Any, *rest: Any) -> tuple[Tensor, ...]:
        del batch_sizes
        states = hx if isinstance(hx, (list, tuple)) else (hx,)
        first = tuple(state[:, :1] for state in states)
        batch_first = False
        out, *_ = function(
            data.unsqueeze(1), first if len(states) > 1 else first[0], *rest, batch_first
        )
        return (out.squeeze(1), *map(torch.empty_like, states))

    return kernel


def pad_packed(*args: Any, **kwargs: Any) -> Any:
    """Refuse: how long the sequences are, only their values tell."""
    del args, kwargs
    raise NotImplementedError("padding packed sequences needs their lengths")


KERNELS: dict[torch._ops.OpOverload, Callable[..., Any]] = {
    torch.ops.aten._pad_packed_sequence.default: pad_packed,  # noqa: SLF001
    torch.ops.aten.gru.data: packed(torch.gru),
    torch.ops.aten.lstm.data: packed(torch.lstm),
    torch.ops.aten.rnn_relu.data: packed(torch.rnn_relu),
    torch.ops.aten.rnn_tanh.data: packed(torch.rnn_tanh),
}
if hasattr(torch.ops.aten, "_grouped_mm"):  # new in torch 2.8
    KERNELS[torch.ops.aten._grouped_mm.default] = grouped_mm  # noqa: SLF001
