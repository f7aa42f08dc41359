"""Repeat the steps of a saved model on a fresh one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..dynamic import DynamicModule
from ..errors import EspalierError, StateError
from ..mode import ModeDescriptor, Step, put_steps
from ..mode.export import ExportModeDescriptor, apply_shapes
from ..plugins import current_host
from ..spaces.supernet import is_converted


if TYPE_CHECKING:
    from torch import nn

    from .format import Manifest


def replay(model: nn.Module, manifest: Manifest) -> None:
    """
    Repeat the steps in *manifest* on *model*, which gets the shapes but not the weights.

    Raises:
        StateError: If one can't be repeated, or the model is converted already. The model may be
            changed by then.
    """
    if is_converted(model) or any(isinstance(m, DynamicModule) for m in model.modules()):
        raise StateError("restore a fresh model; this one is converted already.")
    descriptors = [
        _descriptor(f"steps[{i}].mode", held["mode"]) for i, held in enumerate(manifest.steps)
    ]
    done: list[Step] = []
    for i, (held, descriptor) in enumerate(zip(manifest.steps, descriptors, strict=True)):
        step = Step(held["mode"], held["config"], held["metadata"])
        if not _is_summed_up(descriptors[i:]):
            _repeat(model, descriptor, step, f"steps[{i}]")
        done.append(step)
        put_steps(model, list(done))
    if not is_converted(model):
        _look_alike(model, manifest)


def _descriptor(path: str, name: str) -> ModeDescriptor:
    try:
        made: ModeDescriptor = current_host().modes[name]()
    except EspalierError as error:
        raise StateError(f"{path}: {error}") from error
    return made


def _is_summed_up(descriptors: list[ModeDescriptor]) -> bool:
    """
    Whether the first of *descriptors* need not be repeated, for the second is an export.

    What an export cut needs no conversion first: its shapes say it all. A mode of another kind
    may have done anything.
    """
    kind = type(descriptors[0])
    only_sizes = kind.convert is ModeDescriptor.convert and kind.restore is ModeDescriptor.restore
    return only_sizes and any(isinstance(d, ExportModeDescriptor) for d in descriptors[1:2])


def _repeat(model: nn.Module, descriptor: ModeDescriptor, step: Step, path: str) -> None:
    try:
        config = descriptor.config_class.structure(step.config)
    except EspalierError as error:
        raise StateError(f"{path}.config: {error}") from error
    try:
        descriptor.restore(model, config, step.metadata)
    except EspalierError as error:
        where = f"{path}." if str(error).startswith("metadata") else f"{path} ({step.mode}): "
        raise StateError(f"{where}{error}") from error


def _look_alike(model: nn.Module, manifest: Manifest) -> None:
    """Give a plain *model* the looks of the saved one, whether or not steps tell of them."""
    modules = dict(model.named_modules())
    looks, numbers, was_cut = {}, {}, False
    for path, look in manifest.modules.items():
        module = modules.get(path)
        own = _tensors(module)
        shapes = {
            name: shape
            for name, shape in look["shapes"].items()
            if name in own or manifest.stored(path, name).in_state
        }
        was_cut |= any(shape != shapes.get(name, shape) for name, shape in own.items())
        looks[path] = look | {"shapes": shapes}
        numbers[path] = {n: v for n, v in look["numbers"].items() if n in vars(module or model)}
    if was_cut:  # by an export that no step tells of, and which may have changed more
        looks = {
            path: look | {"attributes": look["attributes"] | numbers[path]}
            for path, look in looks.items()
        }
    apply_shapes(model, looks)


def _tensors(module: nn.Module | None) -> dict[str, tuple[int, ...]]:
    if module is None:
        return {}
    own = {**module._parameters, **module._buffers}  # noqa: SLF001
    return {name: tuple(tensor.shape) for name, tensor in own.items() if tensor is not None}
