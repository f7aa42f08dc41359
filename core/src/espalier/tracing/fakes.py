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

from ..errors import InputsError, TraceError
from ..snapshot import Snapshot
from .bulk import watch
from .structure import map_tensors
from .tape import Tape, Taped


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

        TraceError: If the model has lazy parameters, whose shapes are not known yet, or modules
            of TorchScript.
    """
    _require_python(model)
    _require_shapes(model)
    if isinstance(inputs, Taped):
        inputs = inputs.inputs
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


def _require_python(model: nn.Module) -> None:
    for path, module in model.named_modules():
        if isinstance(module, torch.jit.ScriptModule):
            where = f"module {path!r}" if path else "the model itself"
            raise TraceError(
                f"{type(model).__name__}: every module must be written in Python, but {where} is "
                f"TorchScript, whose sizes are compiled in. Use the module that it was made from."
            )


def _require_shapes(model: nn.Module) -> None:
    lazy = [name for name, tensor in named_tensors(model).items() if is_lazy(tensor)]
    if lazy:
        raise TraceError(
            f"{type(model).__name__}: every parameter must have a shape, but "
            f"{', '.join(lazy[:4])} is lazy. Call the model once on a batch first."
        )


def described(value: Any) -> str:
    """Return *value* with tensors as their type and shape, for messages."""
    if isinstance(value, Taped):
        return described(value.inputs)
    if isinstance(value, torch.Tensor):
        return f"Tensor{tuple(value.shape)}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {described(v)}" for key, v in value.items()) + "}"
    if isinstance(value, (tuple, list)):
        return "(" + ", ".join(map(described, value)) + ")"
    return repr(value)


def home_of(model: nn.Module) -> torch.device:
    """Return the device of the model's first tensor; the CPU for one without data."""
    for module in model.modules():
        for tensor in (*module._parameters.values(), *module._buffers.values()):  # noqa: SLF001
            if tensor is not None and not tensor.is_meta:
                return tensor.device
    return torch.device("cpu")


def fake_inputs(
    mode: FakeTensorMode,
    values: Any,
    home: torch.device,
    pairs: list[tuple[Tensor, Tensor]] | None = None,
) -> Any:
    """
    Return *values* with every tensor replaced by a fake of its shape, dtype and device.

    Args:
        mode: What the fakes belong to.

        values: Tensors in any structure.

        home: Where tensors on the ``meta`` device are taken to be.

        pairs: Gets each fake with the tensor that it stands for.
    """

    def fake(tensor: Tensor) -> Tensor:
        made = _fake(mode, tensor, tuple(tensor.shape), home)
        if pairs is not None:
            pairs.append((made, tensor))
        return made

    return map_tensors(fake, values)


def without_data(values: Any, tape: Tape | None = None) -> Any:
    """
    Return *values* with every tensor replaced by one on ``meta``: shape and dtype, no data.

    Args:
        values: Inputs in any structure.

        tape: What a model read when it ran with data; it is kept with the inputs.
    """
    if isinstance(values, Taped):
        values = values.inputs
    bare = map_tensors(lambda t: torch.empty(t.shape, dtype=t.dtype, device="meta"), values)
    return bare if tape is None else Taped(bare, tape)


def named_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Return the parameters and buffers of *model*; a shared one under each of its names."""
    return {
        f"{path}.{name}" if path else name: tensor
        for path, module in model.named_modules()
        for holder in (module._parameters, module._buffers)  # noqa: SLF001
        for name, tensor in holder.items()
        if tensor is not None
    }


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
                        memo[key] = _fake_weight(mode, tensor, shape, home)
                    holder[name] = memo[key]
                    fakes[f"{path}.{name}" if path else name] = memo[key]
        watch(model)
        yield fakes
    finally:
        before.restore()


def _dress(module: nn.Module, stand_in: StandIn) -> None:
    if stand_in.type is not None:
        module.__class__ = stand_in.type
    module.__dict__["training"] = False
    module.__dict__.pop("_compiled_call_impl", None)
    module.__dict__.update(stand_in.attributes)


def _fake(
    mode: FakeTensorMode, tensor: Tensor, shape: tuple[int, ...], home: torch.device
) -> Tensor:
    device = home if tensor.device.type == "meta" else tensor.device
    if tensor.layout is not torch.strided or tensor.is_quantized:
        return mode.from_tensor(tensor.detach())
    with mode:
        if shape == tuple(tensor.shape):
            return torch.empty_strided(shape, tensor.stride(), dtype=tensor.dtype, device=device)
        made = torch.empty(shape, dtype=tensor.dtype, device=device)
        return made.to(memory_format=_memory_format(tensor))


def _fake_weight(
    mode: FakeTensorMode, tensor: Tensor, shape: tuple[int, ...], home: torch.device
) -> Tensor:
    made = _fake(mode, tensor, shape, home)
    if isinstance(tensor, nn.Parameter):
        made._is_param = True  # noqa: SLF001 - what isinstance asks
    if tensor.requires_grad and tensor.is_leaf:
        made.requires_grad_()
    return made


def _memory_format(tensor: Tensor) -> torch.memory_format:
    for layout, rank in ((torch.channels_last, 4), (torch.channels_last_3d, 5)):
        if tensor.dim() == rank and tensor.is_contiguous(memory_format=layout):
            return torch.contiguous_format if tensor.is_contiguous() else layout
    return torch.contiguous_format
