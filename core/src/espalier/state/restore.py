"""Read a model with its steps."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from ..dynamic import DynamicModule
from ..errors import EspalierError, StateError
from ..mode import Step, record_step
from ..mode.export import apply_shapes
from ..plugins import current_host
from ..snapshot import Snapshot
from ..wrappers import unwrapped
from .format import KEY, Manifest, check_length


if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from torch import Tensor


def restore(model: nn.Module, path: str | os.PathLike[str]) -> nn.Module:
    """
    Repeat the saved steps on a fresh *model* and load its weights, in place.

    Args:
        model: Built as the saved one was before its first step. Its weights do not matter; it
            keeps its device, and takes the saved dtypes.

        path: What `save` wrote.

    Returns:
        The same object, or for a wrapper the module inside; it gives the outputs that the saved
        one gave.

    Raises:
        StateError: If the file is truncated, altered, of a newer format, or of another model. The
            model is left as it was.
    """
    source = pathlib.Path(path)
    model = unwrapped(model)
    manifest, weights = _read(source)
    before = Snapshot.of(model)
    try:
        _replay(model, manifest, source)
        values = _matched(model, manifest, weights, source)
    except EspalierError:
        before.restore()
        raise
    except Exception as error:
        before.restore()
        raise StateError(f"{source}: the saved steps can't be repeated: {error}.") from error
    _load(model, values)
    return model


def _read(source: pathlib.Path) -> tuple[Manifest, dict[str, Tensor]]:
    if not source.is_file():
        raise StateError(f"{source}: there is no such file.")
    check_length(source)
    try:
        with safe_open(source, framework="pt") as file:
            manifest = Manifest.load((file.metadata() or {}).get(KEY), source)
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        if isinstance(error, EspalierError):
            raise
        raise StateError(f"{source}: not a readable safetensors file: {error}.") from error
    return manifest, weights


def _replay(model: nn.Module, manifest: Manifest, source: pathlib.Path) -> None:
    if any(isinstance(module, DynamicModule) for module in model.modules()):
        raise StateError(f"{source}: restore a fresh model; this one is converted already.")
    done: list[Step] = []
    for held in manifest.steps:
        step = Step(held["mode"], held["config"], held["metadata"])
        descriptor = current_host().modes[step.mode]()
        if _is_last_of_its_kind(manifest.steps, held):
            descriptor.restore(
                model, descriptor.config_class.structure(step.config), step.metadata
            )
        record_step(model, step, before=done)
        done.append(step)
    if not any(isinstance(module, DynamicModule) for module in model.modules()):
        apply_shapes(model, manifest.modules)


def _is_last_of_its_kind(steps: tuple[Mapping[str, Any], ...], step: Mapping[str, Any]) -> bool:
    # What an export cut needs no conversion first: its own shapes say it all.
    later = steps[[s is step for s in steps].index(True) + 1 :]
    return all(s["mode"] != "export" for s in later)


def _matched(
    model: nn.Module, manifest: Manifest, weights: Mapping[str, Tensor], source: pathlib.Path
) -> dict[int, Tensor]:
    """Check every tensor of the state against the file; return its value by its ``id``."""
    wanted = model.state_dict(keep_vars=True)
    names = {name: manifest.aliases.get(name, name) for name in wanted}
    missing = [name for name, stored in names.items() if stored not in weights]
    extra = [name for name in weights if name not in names.values()]
    if missing or extra:
        raise StateError(
            f"{source}: saved from {manifest.model}, does not fit {type(model).__name__}: "
            f"{len(missing)} tensors are missing in the file ({', '.join(missing[:4])}) and "
            f"{len(extra)} are in the file only ({', '.join(extra[:4])})."
        )
    values = {}
    for name, tensor in wanted.items():
        stored = weights[names[name]]
        if tuple(stored.shape) != tuple(tensor.shape):
            raise StateError(
                f"{source}: {name} has shape {tuple(stored.shape)} in the file and "
                f"{tuple(tensor.shape)} in {type(model).__name__}."
            )
        values[id(tensor)] = stored
    return values


@torch.no_grad()
def _load(model: nn.Module, values: Mapping[int, Tensor]) -> None:
    made: dict[int, Tensor] = {}
    for module in model.modules():
        for holder in (module._parameters, module._buffers):  # noqa: SLF001
            for name, tensor in holder.items():
                if tensor is None or id(tensor) not in values:
                    continue
                value = values[id(tensor)]
                if tensor.dtype == value.dtype and not tensor.is_meta:
                    tensor.copy_(value)
                else:
                    holder[name] = made.setdefault(id(tensor), _like(tensor, value))  # type: ignore[assignment]


def _like(tensor: Tensor, value: Tensor) -> Tensor:
    """Return *value* as a tensor of the kind and on the device of *tensor*."""
    value = value if tensor.is_meta else value.to(tensor.device)
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(value, requires_grad=tensor.requires_grad)
    return value
