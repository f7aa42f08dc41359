"""Example inputs as plain data: shapes and types, and of values only what the model reads."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

import torch

from ..errors import StateError
from ..reading import Entry
from ..tracing import Tape, Taped, home_of
from ..tracing.structure import map_tensors


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import nn


def floating_dtype(model: nn.Module) -> torch.dtype | None:
    """Return the dtype of most floating-point parameters of *model*, or ``None`` without any."""
    counts: Counter[torch.dtype] = Counter()
    for parameter in model.parameters():
        if parameter.is_floating_point():
            counts[parameter.dtype] += parameter.numel()
    return counts.most_common(1)[0][0] if counts else None


def moved_inputs(inputs: Any, old: torch.dtype | None, new: torch.dtype | None) -> Any:
    """Return *inputs* for a model that had the dtype *old* and has *new* by now."""
    if old is None or new is None or old is new:
        return inputs
    if isinstance(inputs, Taped):
        return Taped(moved_inputs(inputs.inputs, old, new), inputs.tape)
    return map_tensors(lambda t: t.to(new) if t.dtype is old else t, inputs)


def made_up_inputs(inputs: Any, model: nn.Module) -> Any:
    """Return random tensors of the shapes and dtypes of *inputs*; whole numbers are all 1."""
    home, generator = home_of(model), torch.Generator().manual_seed(0)

    def make(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.is_floating_point() or tensor.is_complex():
            return torch.randn(tensor.shape, generator=generator, dtype=tensor.dtype).to(home)
        return torch.ones(tensor.shape, dtype=tensor.dtype, device=home)

    return map_tensors(make, getattr(inputs, "inputs", inputs))


def inputs_to_json(inputs: Any) -> Any:
    """
    Return *inputs* as JSON data that `inputs_from_json` reads.

    Raises:
        StateError: If they hold anything but tensors, containers, numbers, strings and ``None``.
    """
    if isinstance(inputs, Taped):
        return {"inputs": inputs_to_json(inputs.inputs), "tape": inputs.tape.to_plain()}
    if isinstance(inputs, torch.Tensor):
        return {"tensor": list(inputs.shape), "dtype": str(inputs.dtype).removeprefix("torch.")}
    if isinstance(inputs, tuple) and type(inputs) is tuple:
        return {"tuple": [inputs_to_json(value) for value in inputs]}
    if isinstance(inputs, dict):
        return {"dict": {str(key): inputs_to_json(value) for key, value in inputs.items()}}
    if isinstance(inputs, list):
        return [inputs_to_json(value) for value in inputs]
    if inputs is None or isinstance(inputs, (bool, int, float, str)):
        return inputs
    raise StateError(
        f"inputs must be made of tensors, tuples, lists, dicts, numbers, strings and None to be "
        f"saved with a converted model; got {type(inputs).__name__}. Export the model first: an "
        f"exported one is saved without its inputs."
    )


def inputs_from_json(data: Any) -> Any:
    """
    Return inputs with tensors on ``meta``.

    Args:
        data: What `inputs_to_json` returned, or the `Entry` that holds it.

    Raises:
        StateError: If *data* is anything else.
    """
    entry = data if isinstance(data, Entry) else Entry("inputs", data)
    if isinstance(entry.value, list):
        return [inputs_from_json(value) for value in entry.entries()]
    if not isinstance(entry.value, dict):
        return entry.value
    read = _READERS.get(frozenset(entry.value))
    if read is None:
        entry.fail("must be the inputs of a model as a save writes them")
    return read(entry)


def _hollow(entry: Entry) -> torch.Tensor:
    dtype = getattr(torch, entry["dtype"].text(), None)
    if not isinstance(dtype, torch.dtype):
        entry["dtype"].fail("must be the name of a dtype of torch")
    shape = entry["tensor"].sizes()
    if math.prod(shape) >= 1 << 60:
        entry["tensor"].fail("must be a shape that some tensor can have")
    return torch.empty(shape, dtype=dtype, device="meta")


def _tape(entry: Entry) -> Tape:
    try:
        return Tape.from_plain(entry.value)
    except (ValueError, TypeError, RuntimeError, OverflowError) as error:
        return entry.fail(f"must be a tape of values as a save writes it ({error})")


_READERS: Mapping[frozenset[str], Callable[[Entry], Any]] = {
    frozenset({"tensor", "dtype"}): _hollow,
    frozenset({"inputs", "tape"}): lambda entry: Taped(
        inputs_from_json(entry["inputs"]), _tape(entry["tape"])
    ),
    frozenset({"tuple"}): lambda entry: tuple(map(inputs_from_json, entry["tuple"].entries())),
    frozenset({"dict"}): lambda entry: {
        key: inputs_from_json(value) for key, value in entry["dict"].items()
    },
}
