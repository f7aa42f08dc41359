"""Buffers that a forward pass writes to, such as running statistics."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, cast

import torch
from torch.compiler import is_dynamo_compiling

from ..errors import ShapeError
from .parts import take


if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

    from .descriptors import Active


@contextlib.contextmanager
def held_buffers(module: nn.Module, active: Active) -> Iterator[None]:
    """
    Let what is written to the active part of a buffer of *module* land in the buffer.

    Where the active units are a prefix, reading a buffer gives a view and that is so already.
    Where they are not, reading gives a copy: within this context every reading gives one and the
    same copy, which is then written back.
    """
    buffers = module.__dict__["_buffers"]
    held = {}
    for name, buffer in buffers.items():
        cut = active.cut(name) if name in active.layout.tensors else None
        if buffer is not None and cut and any(isinstance(i, torch.Tensor) for i in cut):
            held[name] = take(buffer, cut)
    active.held = held
    try:
        yield
    finally:
        active.held = {}
        for name, copy in held.items():
            buffer = cast("Tensor", buffers[name])
            # Always: torch's batch normalisation writes without leaving a trace in the version.
            if is_dynamo_compiling() or _is_writable(buffer):
                _write_back(buffer, active.cut(name), copy)


def _is_writable(buffer: Tensor) -> bool:
    return torch.is_inference_mode_enabled() or not buffer.is_inference()


def assign(module: nn.Module, name: str, value: Tensor) -> bool:
    """
    Take an assignment to what reads as the active part of a tensor; false where it is none.

    ``self.mean = 0.9 * self.mean + 0.1 * batch`` changes the active part of the buffer.

    Raises:
        ShapeError: If *value* has the shape neither of the active part nor of the whole.
    """
    active: Active | None = module.__dict__.get("_espalier")
    if active is None or name not in active.layout.tensors:
        return False
    if name in active.held:
        active.held[name] = value.detach()
        return True
    whole = module._parameters.get(name, module._buffers.get(name))  # noqa: SLF001
    if whole is None or whole.shape == value.shape:
        return False
    cut = active.cut(name)
    part = whole.detach() if cut is None else take(whole.detach(), cut)
    if name in module._parameters or part.shape != value.shape:  # noqa: SLF001
        raise ShapeError(
            f"{name} of a dynamic {type(module).__name__} must be given whole, with shape "
            f"{tuple(whole.shape)}; got {tuple(value.shape)}. Its active size is that of "
            f"module.hparams."
        )
    _write_back(whole, cut, value.detach())
    return True


@torch.no_grad()
def _write_back(buffer: Tensor, cut: Any, copy: Tensor) -> None:
    grids = [torch.arange(size)[index] for size, index in zip(buffer.shape, cut, strict=True)]
    places = torch.meshgrid(*grids, indexing="ij")
    # Of a clone: what an operator wrote in place may be a view of this very buffer.
    buffer[tuple(place.to(buffer.device) for place in places)] = copy.clone()
