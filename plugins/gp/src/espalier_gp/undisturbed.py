"""Compute as if nobody had set torch up otherwise."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import torch

from .gluon import Context


if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["undisturbed"]


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """
    Have gradients, and new tensors on the CPU, whatever the caller has chosen for its own.

    A model is fitted by gradients, and may well be asked for in the midst of an evaluation.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(torch.inference_mode(mode=False))
        stack.enter_context(torch.enable_grad())
        stack.enter_context(Context("cpu"))
        # Such a mode slows all calls of torch down, so it is entered where needed only.
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        yield
