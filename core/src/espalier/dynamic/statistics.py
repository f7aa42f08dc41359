"""Buffers that a forward pass writes to, such as running statistics."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any

import torch

from .descriptors import take


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor, nn

    from .descriptors import Active


def holding_buffers(forward: Callable[..., Any]) -> Callable[..., Any]:
    """
    Return *forward* such that what it writes to the active part of a buffer lands in the buffer.

    Where the active units are a prefix, reading a buffer gives a view and that is so already.
    Where they are not, reading gives a copy: while *forward* runs, every reading gives one and
    the same copy, which is then written back.
    """

    @functools.wraps(forward)
    def run(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        active: Active = module.__dict__["_espalier"]
        if not active.gathers:
            return forward(module, *args, **kwargs)
        with _held(module, active):
            return forward(module, *args, **kwargs)

    return run


@contextlib.contextmanager
def _held(module: nn.Module, active: Active) -> Iterator[None]:
    held = {}
    for name, buffer in module._buffers.items():  # noqa: SLF001
        cut = active.cut(name) if name in active.layout.tensors else None
        if buffer is not None and cut and any(isinstance(i, torch.Tensor) for i in cut):
            held[name] = (buffer, take(buffer, cut))
    active.held = {name: copy for name, (_, copy) in held.items()}
    try:
        yield
    finally:
        active.held = {}
        for name, (buffer, copy) in held.items():
            # Always: torch's batch normalisation writes without leaving a trace in the version.
            if torch.is_inference_mode_enabled() or not buffer.is_inference():
                _write_back(buffer, active.cut(name), copy)


@torch.no_grad()
def _write_back(buffer: Tensor, cut: Any, copy: Tensor) -> None:
    grids = [torch.arange(size)[index] for size, index in zip(buffer.shape, cut, strict=True)]
    places = torch.meshgrid(*grids, indexing="ij")
    buffer[tuple(place.to(buffer.device) for place in places)] = copy
