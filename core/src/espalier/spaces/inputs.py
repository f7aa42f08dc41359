"""Example inputs as plain data: shapes and types, and of values only what the model reads."""

from __future__ import annotations

from typing import Any

import torch

from ..errors import StateError
from ..tracing import Tape, Taped


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

    Raises:
        StateError: If *data* is not what `inputs_to_json` returns.
    """
    if isinstance(data, list):
        return [inputs_from_json(value) for value in data]
    if not isinstance(data, dict):
        return data
    if set(data) == {"tensor", "dtype"}:
        dtype = getattr(torch, str(data["dtype"]), None)
        if not isinstance(dtype, torch.dtype):
            raise StateError(f"the saved inputs have an unknown dtype, {data['dtype']!r}.")
        return torch.empty(data["tensor"], dtype=dtype, device="meta")
    if set(data) == {"inputs", "tape"}:
        return Taped(inputs_from_json(data["inputs"]), _tape(data["tape"]))
    if set(data) == {"tuple"}:
        return tuple(inputs_from_json(value) for value in data["tuple"])
    if set(data) == {"dict"}:
        return {key: inputs_from_json(value) for key, value in data["dict"].items()}
    raise StateError(f"the saved inputs can't be read: {data!r}.")


def _tape(data: Any) -> Tape:
    try:
        return Tape.from_plain(data)
    except (ValueError, TypeError) as error:
        raise StateError(f"the saved tape of values can't be read: {error}.") from error
