"""Arguments and results of modules: nested plain containers of tensors and plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import torch
from torch import nn


if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from torch import Tensor

#: Values that are what they are, and never change.
PLAIN = (type(None), bool, int, float, complex, str, bytes, torch.dtype, torch.device, torch.Size)

_BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
_SAMPLES = 16


class Unclear(Exception):  # noqa: N818 - no error: the module is run
    """It can't be told whether a module would compute the same again."""


def take_apart(value: Any, tensors: list[Tensor]) -> Hashable:
    """
    Return what tells the structure of *value* and everything in it but the data of its tensors.

    Args:
        value: Tensors and plain values in tuples, lists and dicts.

        tensors: Gets every tensor in it, in order.

    Raises:
        Unclear: If there is anything else in it, or a tensor of an unusual kind.
    """
    kind = type(value)
    if kind is torch.Tensor or kind is nn.Parameter:
        tensors.append(value)
        return _meta(value)
    if kind in PLAIN:
        return kind, repr(value) if kind in (float, complex) else value  # -0.0 equals 0.0
    if kind in (tuple, list):
        return kind, tuple([take_apart(inner, tensors) for inner in value])
    if kind is dict:
        return kind, tuple(
            [(take_apart(k, tensors), take_apart(v, tensors)) for k, v in value.items()]
        )
    raise Unclear(f"{kind.__name__} is no plain value")


@final
class Slot:
    """Stands for a tensor in the structure of a result."""


_SLOT = Slot()


def emptied(value: Any) -> Any:
    """Return a copy of *value*, which could be taken apart, without its tensors."""
    kind = type(value)
    if kind is torch.Tensor:
        return _SLOT
    if kind in (tuple, list):
        return kind([emptied(inner) for inner in value])
    if kind is dict:
        return {key: emptied(inner) for key, inner in value.items()}
    return value


def put_together(value: Any, tensors: Iterator[Tensor]) -> Any:
    """Return what was emptied with the next of *tensors* in each empty place."""
    kind = type(value)
    if kind is Slot:
        return next(tensors)
    if kind in (tuple, list):
        return kind([put_together(inner, tensors) for inner in value])
    if kind is dict:
        return {key: put_together(inner, tensors) for key, inner in value.items()}
    return value


def _meta(tensor: Tensor) -> Hashable:
    if (
        tensor.layout is not torch.strided
        or tensor.is_meta
        or tensor.is_conj()
        or tensor.is_neg()
        or tensor.is_quantized
        or tensor.element_size() not in _BITS
        or tensor.grad_fn is not None
        or (type(tensor) is torch.Tensor and vars(tensor))
    ):
        raise Unclear("a tensor of an unusual kind")
    return (
        type(tensor),
        tuple(tensor.shape),
        tensor.stride(),
        tensor.dtype,
        tensor.device,
        tensor.requires_grad,
        tensor.is_inference(),
    )


def bits(tensor: Tensor) -> Tensor:
    """Return *tensor* as whole numbers: 0.0 and -0.0 differ, and what is not a number is equal."""
    return tensor.detach().view(_BITS[tensor.element_size()])


def same_bits(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors of one shape and type hold the same, bit for bit."""
    return a is b or torch.equal(bits(a), bits(b))


def copied(tensor: Tensor) -> Tensor:
    """
    Return a copy that lies in memory as *tensor* does.

    Raises:
        Unclear: If there is none, as for an expanded tensor.
    """
    copy = tensor.detach().clone()
    if copy.stride() != tensor.stride():
        raise Unclear("a tensor whose elements share memory, or lie apart")
    return copy


def sample(tensors: list[Tensor]) -> Hashable:
    """Return a few elements of each of *tensors*, by which equal ones are found quickly."""
    return tuple([_sample(tensor) for tensor in tensors])


def _sample(tensor: Tensor) -> Hashable:
    count = tensor.numel()
    if not count:
        return None
    last = sum((n - 1) * step for n, step in zip(tensor.shape, tensor.stride(), strict=True))
    if last + 1 != count:  # not in one piece
        return tuple(bits(tensor[(0,) * (tensor.dim() - 1)].reshape(-1)[:_SAMPLES]).tolist())
    step = -(-count // _SAMPLES)
    flat = tensor.detach().as_strided((-(-count // step),), (step,))
    return tuple(bits(flat).tolist())


def storage_key(tensor: Tensor) -> int:
    """Return what tells the memory of *tensor* from that of any other that is alive; 0 if none."""
    try:
        return tensor.untyped_storage()._cdata  # noqa: SLF001
    except (NotImplementedError, RuntimeError):
        return 0
