"""How the forward of a dynamic module reads its tensors."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import torch
from torch.compiler import is_dynamo_compiling

from .statistics import held_buffers


if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from .descriptors import Active


def reading_parts(forward: Callable[..., Any], *, writes_in_eval: bool) -> Callable[..., Any]:
    """
    Return *forward* such that it reads the active parts without looking for them each time.

    That is so in evaluation mode without gradients. Whoever trains reads them afresh, and what
    *forward* writes to the active part of a buffer lands in the buffer.

    Args:
        forward: Of a dynamic module.

        writes_in_eval: Whether it may write to buffers in evaluation mode.
    """

    @functools.wraps(forward)
    def run(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        own = module.__dict__
        active: Active = own["_espalier"]
        if active.is_whole:
            return forward(module, *args, **kwargs)
        writes = bool(own["_buffers"]) and (writes_in_eval or own["training"])
        if is_dynamo_compiling():
            return _run_afresh(forward, module, active, args, kwargs, writes=writes)
        if own["training"] or torch.is_grad_enabled() or torch._C._get_tracing_state():  # noqa: SLF001
            active.forget()
            return _run_afresh(forward, module, active, args, kwargs, writes=writes)
        if writes and active.gathers:
            return _run_afresh(forward, module, active, args, kwargs, writes=True)
        parts = active.parts
        if parts is None or not parts.hold(own):
            parts = active.look(own)
        # Python looks here before it asks a descriptor, and before torch looks for a parameter.
        own.update(parts.active)
        try:
            return forward(module, *args, **kwargs)
        finally:
            for name in parts.active:
                own.pop(name, None)

    return run


def _run_afresh(
    forward: Callable[..., Any],
    module: nn.Module,
    active: Active,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    writes: bool,
) -> Any:
    if not writes or not active.gathers:
        return forward(module, *args, **kwargs)
    with held_buffers(module, active):
        return forward(module, *args, **kwargs)
