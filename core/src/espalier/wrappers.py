"""Take a model out of what it is wrapped in for speed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import structlog
import torch
from torch import nn


if TYPE_CHECKING:
    from collections.abc import Iterator

log = structlog.get_logger()


def unwrapped(model: nn.Module) -> nn.Module:
    """
    Return the model itself where *model* is a wrapper that only makes it run elsewhere or faster.

    These are the results of `torch.compile`, `torch.nn.DataParallel` and
    `torch.nn.parallel.DistributedDataParallel`, also around each other. The wrapper stays as it
    is, and goes on to call the model.
    """
    inner = _inner_of(model)
    while inner is not None:
        log.info("model_unwrapped", wrapper=type(model).__name__, model=type(inner).__name__)
        model, inner = inner, _inner_of(inner)
    return model


def without_compiled_calls(model: nn.Module) -> None:
    """Let every module that `torch.nn.Module.compile` changed in place run as it is written."""
    for path, module in model.named_modules():
        if vars(module).pop("_compiled_call_impl", None) is not None:
            log.info("model_unwrapped", wrapper="compile", model=path or type(model).__name__)


def _inner_of(model: nn.Module) -> nn.Module | None:
    for kind, name in _wrappers():
        if isinstance(model, kind):
            inner: nn.Module = getattr(model, name)
            return inner
    return None


def _wrappers() -> Iterator[tuple[type[Any], str]]:
    yield nn.DataParallel, "module"
    if torch.distributed.is_available():
        yield nn.parallel.DistributedDataParallel, "module"
    # Whoever has compiled something has loaded it; nobody else should pay for that.
    compiler = sys.modules.get("torch._dynamo.eval_frame")
    if compiler is not None:
        yield compiler.OptimizedModule, "_orig_mod"
