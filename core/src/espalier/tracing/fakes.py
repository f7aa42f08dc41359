"""Put fake tensors in a model's place for a while, and put everything back."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs
import torch
from torch import nn
from torch.nn.parameter import is_lazy
from torch.utils import _pytree as pytree

from ..errors import InputsError, TraceError
from ..snapshot import Snapshot


if TYPE_CHECKING:
    from torch import Tensor
    from torch._subclasses.fake_tensor import FakeTensorMode


@attrs.frozen
class StandIn:
    """
    How a module shall look while fakes are in place.

    Args:
        type: The class it has for that time; its own where ``None``.

        shapes: Shapes of parameters and buffers that differ from the real ones, by name.

        attributes: Values of instance attributes that differ, by name.
    """

    type: type[nn.Module] | None = None
    shapes: Mapping[str, tuple[int, ...]] = attrs.field(factory=dict)
    attributes: Mapping[str, Any] = attrs.field(factory=dict)


def bind_inputs(model: nn.Module, inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """
    Return the positional and the keyword arguments that *inputs* means.

    Args:
        model: Whose ``forward`` is to be called.

        inputs: A tensor, a tuple of positional arguments, or a dict of keyword arguments.

    Raises:
        InputsError: If ``forward`` does not take such arguments.

        TraceError: If the model has lazy parameters, whose shapes are not known yet.
    """
    lazy = [name for name, p in model.named_parameters() if is_lazy(p)]
    if lazy:
        raise TraceError(
            f"{type(model).__name__}: every parameter must have a shape, but "
            f"{', '.join(lazy[:4])} is lazy. Call the model once on a batch first."
        )
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = {}
    if isinstance(inputs, Mapping):
        kwargs = dict(inputs)
    elif isinstance(inputs, (tuple, list)) and not hasattr(inputs, "_fields"):
        args = tuple(inputs)
    else:
        args = (inputs,)
    signature = inspect.signature(model.forward)
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        raise InputsError(
            f"inputs must be what {type(model).__name__}.forward{signature} takes: a tensor, a "
            f"tuple of positional arguments, or a dict of keyword arguments; got "
            f"{described(inputs)}: {error}."
        ) from error
    except ValueError:  # a forward without a signature to check
        pass
    return args, kwargs


def described(value: Any) -> str:
    """Return *value* with tensors as their type and shape, for messages."""
    if isinstance(value, torch.Tensor):
        return f"Tensor{tuple(value.shape)}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {described(v)}" for key, v in value.items()) + "}"
    if isinstance(value, (tuple, list)):
        return "(" + ", ".join(map(described, value)) + ")"
    return repr(value)


def home_of(model: nn.Module) -> torch.device:
    """Return the device of the model's first tensor; the CPU for one without data."""
    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.device.type != "meta":
            return tensor.device
    return torch.device("cpu")


def fake_inputs(mode: FakeTensorMode, values: Any, home: torch.device) -> Any:
    """
    Return *values* with every tensor replaced by a fake of its shape, dtype and device.

    A tensor on the ``meta`` device is taken to be on *home*.
    """

    def fake(tensor: Tensor) -> Tensor:
        return _fake(mode, tensor, tuple(tensor.shape), home)

    return pytree.tree_map_only(torch.Tensor, fake, values)


def without_data(values: Any) -> Any:
    """Return *values* with every tensor replaced by one on ``meta``: shape and dtype, no data."""
    return pytree.tree_map_only(
        torch.Tensor, lambda t: torch.empty(t.shape, dtype=t.dtype, device="meta"), values
    )


@contextlib.contextmanager
def faked(
    model: nn.Module, mode: FakeTensorMode, stand_ins: Mapping[str, StandIn]
) -> Iterator[dict[str, Tensor]]:
    """
    Give *model* fake parameters and buffers, evaluation mode and the attributes of *stand_ins*.

    On exit every module has its class, attributes, tensors and flags back, whatever happened.
    Tensors that are shared stay shared.

    Yields:
        The fakes by the names of the real tensors; a shared one under each of its names.
    """
    modules = dict(model.named_modules())
    home = home_of(model)
    before = Snapshot.of(model)
    memo: dict[tuple[int, tuple[int, ...]], Tensor] = {}
    fakes: dict[str, Tensor] = {}
    try:
        for path, module in modules.items():
            stand_in = stand_ins.get(path, StandIn())
            _dress(module, stand_in)
            for holder in (module._parameters, module._buffers):  # noqa: SLF001
                for name, tensor in holder.items():
                    if tensor is None:
                        continue
                    shape = stand_in.shapes.get(name, tuple(tensor.shape))
                    key = (id(tensor), shape)
                    if key not in memo:
                        memo[key] = _fake(mode, tensor, shape, home)
                    holder[name] = memo[key]
                    fakes[f"{path}.{name}" if path else name] = memo[key]
        yield fakes
    finally:
        before.restore()


def _dress(module: nn.Module, stand_in: StandIn) -> None:
    if stand_in.type is not None:
        module.__class__ = stand_in.type
    module.__dict__["training"] = False
    module.__dict__.update(stand_in.attributes)


def _fake(
    mode: FakeTensorMode, tensor: Tensor, shape: tuple[int, ...], home: torch.device
) -> Tensor:
    device = home if tensor.device.type == "meta" else tensor.device
    if tensor.layout is not torch.strided or tensor.is_quantized:
        return mode.from_tensor(tensor)
    with mode:
        if shape == tuple(tensor.shape):
            return torch.empty_strided(shape, tensor.stride(), dtype=tensor.dtype, device=device)
        made = torch.empty(shape, dtype=tensor.dtype, device=device)
        return made.to(memory_format=_memory_format(tensor))


def _memory_format(tensor: Tensor) -> torch.memory_format:
    for layout, rank in ((torch.channels_last, 4), (torch.channels_last_3d, 5)):
        if tensor.dim() == rank and tensor.is_contiguous(memory_format=layout):
            return torch.contiguous_format if tensor.is_contiguous() else layout
    return torch.contiguous_format
