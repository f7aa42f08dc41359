"""From words of the command line to models, scores, example inputs and settings."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import nn

from ..errors import ConstraintError, InputsError, StateError, nearest
from ..state import restore
from ..state.format import KEY
from .importing import LoadError, load_object


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

_SHAPE = re.compile(r"\d+(x\d+)*")


def load_model(reference: str) -> nn.Module:
    """
    Call the factory at *reference* without arguments and return the model that it makes.

    Raises:
        LoadError: If there is no such factory, it raises, or it returns anything but a module.
    """
    factory = load_object(reference)
    if isinstance(factory, nn.Module):
        return factory
    if not callable(factory):
        raise LoadError(
            f"{reference}: must be a function without arguments that returns a torch.nn.Module; "
            f"got {factory!r}."
        )
    try:
        model = factory()
    except Exception as error:
        raise LoadError(
            f"{reference}: is called without arguments to make the model; it raised "
            f"{type(error).__name__}: {error}. Run `espalier --debug ...` to see where."
        ) from error
    if not isinstance(model, nn.Module):
        raise LoadError(f"{reference}: must return a torch.nn.Module, got {type(model).__name__}.")
    return model


def load_score(reference: str) -> Callable[[nn.Module], float]:
    """
    Return the function at *reference*.

    Raises:
        LoadError: If there is none.
    """
    score = load_object(reference)
    if not callable(score):
        raise LoadError(
            f"{reference}: must be a function that takes the model and returns a number, higher "
            f"is better; got {score!r}."
        )
    found: Callable[[nn.Module], float] = score
    return found


def read_inputs(model: nn.Module, shapes: Sequence[str], named: Sequence[str]) -> Any:
    """
    Return example inputs of the given shapes, on the meta device.

    Args:
        model: Whose ``forward`` will take them.

        shapes: Of the positional arguments: ``"1x3x224x224"``, ``"8x128:int64"``.

        named: Of keyword arguments: ``"mask=8x128:bool"``.

    Raises:
        InputsError: If a shape can't be read, or none is given.
    """
    if not shapes and not named:
        raise InputsError(
            "a model is run on example inputs: give their shapes, as in --input 1x3x224x224 or "
            "--kwarg ids=8x128:int64."
        )
    positional = tuple(read_tensor(shape) for shape in shapes)
    keyword: dict[str, torch.Tensor] = {}
    for word in named:
        name, equals, shape = word.partition("=")
        if not (name.isidentifier() and equals):
            raise InputsError(f"--kwarg must look like name=8x128:int64, got {word!r}.")
        if name in keyword:
            raise InputsError(f"--kwarg {name} is given twice: {word!r}.")
        keyword[name] = read_tensor(shape)
    return _by_name(model, positional, keyword) if keyword else positional


def read_tensor(text: str) -> torch.Tensor:
    """
    Return a tensor of the shape and dtype that *text* says, on the meta device.

    Raises:
        InputsError: If it can't be read.

    Example:
        >>> read_tensor("8x128:int64")
        tensor(..., device='meta', size=(8, 128), dtype=torch.int64)
    """
    shape, colon, word = text.partition(":")
    if not _SHAPE.fullmatch(shape):
        raise InputsError(
            f"an input's shape must be numbers with 'x' between them, as in 1x3x224x224 or "
            f"8x128:int64; got {text!r}."
        )
    dtype = getattr(torch, word, None) if colon else torch.float32
    if not isinstance(dtype, torch.dtype):
        known = sorted(n for n in dir(torch) if isinstance(getattr(torch, n), torch.dtype))
        raise InputsError(
            f"{text}: after the colon must come a dtype of torch, such as int64, float16 or bool; "
            f"got {word!r}.{nearest(word, known)}"
        )
    return torch.empty([int(size) for size in shape.split("x")], dtype=dtype, device="meta")


def read_constraints(
    flops: str | None, params: str | None, others: Iterable[str]
) -> dict[str, float | str]:
    """
    Return constraints of the words given for them.

    Raises:
        ConstraintError: If a word can't be read, or none is given.
    """
    found: dict[str, float | str] = {}
    words = [f"flops={flops}"] * (flops is not None) + [f"params={params}"] * (params is not None)
    for word in [*words, *others]:
        name, equals, bound = word.partition("=")
        if not (name and equals and bound):
            raise ConstraintError(
                f"--constraint must look like latency_ms=3.5 or flops=60%, got {word!r}."
            )
        if name in found:
            raise ConstraintError(f"{name}: bounded twice, by {found[name]!r} and {bound!r}.")
        found[name] = _number_or_text(bound)
    if not found:
        raise ConstraintError(
            "nothing bounds the model: give --flops 60%, --params 1.2e6, or --constraint "
            "name=value."
        )
    return found


def load_weights(model: nn.Module, path: Path) -> None:
    """
    Load what ``espalier.save`` wrote, or the tensors of any other safetensors file.

    Raises:
        StateError: If the file can't be read or does not fit.
    """
    if not path.is_file():
        raise StateError(f"{path}: there is no such file.")
    try:
        with safe_open(path, framework="pt") as file:
            is_ours = KEY in (file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise StateError(f"{path}: not a readable safetensors file: {error}.") from error
    if is_ours:
        restore(model, path)
        return
    try:
        model.load_state_dict(load_file(path))
    except RuntimeError as error:
        raise StateError(f"{path}: does not fit the model. {error}") from error


def require_writable(path: Path | None) -> None:
    """
    Raise now, and not after a long search, if *path* can't be written.

    Raises:
        StateError: If its folder is not there, or it is a folder itself.
    """
    if path is not None and (path.is_dir() or not path.parent.is_dir()):
        raise StateError(f"{path}: must be a file in a folder that exists.")


def _by_name(
    model: nn.Module, positional: tuple[torch.Tensor, ...], keyword: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Return all inputs by the names that ``forward`` has for them."""
    signature = inspect.signature(model.forward)
    by_position = inspect.Parameter.POSITIONAL_OR_KEYWORD
    names = [p.name for p in signature.parameters.values() if p.kind is by_position]
    taken = [name for name in names[: len(positional)] if name in keyword]
    if len(positional) > len(names) or taken:
        raise InputsError(
            f"--input and --kwarg together must fit {type(model).__name__}.forward{signature}; "
            f"got {len(positional)} of the one, which come first, and {', '.join(keyword)}."
        )
    return {**dict(zip(names, positional, strict=False)), **keyword}


def _number_or_text(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
