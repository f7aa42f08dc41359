"""Write a model with its steps."""

from __future__ import annotations

import os
import pathlib
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save_file

from ..errors import StateError
from ..mode import Step, steps_of
from ..plugins import current_host
from ..spaces.analysis import declared_sizes
from ..wrappers import unwrapped
from .format import KEY, Manifest


if TYPE_CHECKING:
    from torch import Tensor, nn


def save(model: nn.Module, path: str | os.PathLike[str]) -> None:
    """
    Write the weights of *model* and the steps it went through to one file.

    The file is a safetensors file; nothing in it is ever executed. It is written beside *path*
    and then moved there, so a save that dies half-way leaves an old file whole.

    Args:
        model: Plain, converted, searched or exported; of a wrapper, the module inside is saved.

        path: Where to write; a file that is there is replaced.

    Raises:
        StateError: If the model has no data, or its inputs can't be written (see `restore`).
    """
    target = pathlib.Path(path)
    model = unwrapped(model)
    tensors, aliases = _unique(model)
    manifest = Manifest(type(model).__qualname__, _steps(model), _looks(model), aliases)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        save_file(tensors, draft, metadata={KEY: manifest.dump()})
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _steps(model: nn.Module) -> tuple[dict[str, Any], ...]:
    steps = steps_of(model)
    if steps:
        last = steps[-1]
        metadata = current_host().modes[last.mode]().metadata(model)
        steps[-1] = Step(last.mode, last.config, metadata)
    return tuple({"mode": s.mode, "config": s.config, "metadata": s.metadata} for s in steps)


def _looks(model: nn.Module) -> dict[str, Any]:
    """Return the shapes and size attributes of every plain module that a converter serves."""
    looks = {}
    for path, module in model.named_modules():
        own = {**module._parameters, **module._buffers}  # noqa: SLF001
        shapes = {name: list(tensor.shape) for name, tensor in own.items() if tensor is not None}
        attributes = {name: vars(module)[name] for name in declared_sizes(module)}
        if shapes or attributes:
            looks[path] = {"shapes": shapes, "attributes": attributes}
    return looks


def _unique(model: nn.Module) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return every tensor of the state once, and the other names of those that are shared."""
    stored: dict[str, Tensor] = {}
    aliases: dict[str, str] = {}
    first: dict[int, str] = {}
    for name, tensor in model.state_dict(keep_vars=True).items():
        if not isinstance(tensor, torch.Tensor):
            raise StateError(f"{name}: only tensors can be saved, got {type(tensor).__name__}.")
        if tensor.is_meta:
            raise StateError(f"{name} is on the meta device: it has no data to save.")
        if tensor.layout is not torch.strided:
            raise StateError(f"{name}: only dense tensors can be saved, got {tensor.layout}.")
        if id(tensor) in first:
            aliases[name] = first[id(tensor)]
        else:
            first[id(tensor)] = name
            stored[name] = tensor.detach().contiguous()
    return _own_storage(stored), aliases


def _own_storage(stored: dict[str, Tensor]) -> dict[str, Tensor]:
    # Distinct tensors that view one storage would be refused by safetensors.
    seen: set[int] = set()
    for name, tensor in stored.items():
        place = tensor.untyped_storage().data_ptr()
        if place in seen:
            stored[name] = tensor.clone()
        seen.add(place)
    return stored
