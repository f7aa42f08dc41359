"""Make everything ready for a run on fake tensors, and undo it."""

from __future__ import annotations

import contextlib
import gc
import logging
from typing import TYPE_CHECKING

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils import _device

from .casting import castable
from .contents import kept_contents, kept_randomness
from .fakes import StandIn, faked, home_of
from .scopes import Scopes


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor, nn


@contextlib.contextmanager
def fake_run(
    model: nn.Module, stand_ins: Mapping[str, StandIn]
) -> Iterator[tuple[FakeTensorMode, dict[str, Tensor], Scopes]]:
    """
    Make everything ready for one run of *model* on fakes, and undo it.

    Yields:
        The mode that runs operators on fakes, the fakes of the model's tensors by name, and which
        module is running.
    """
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    paths = {id(module): path for path, module in model.named_modules()}  # before any is left out
    with (
        _uncollected(),
        kept_randomness(),
        kept_contents(model),
        _plain_torch(home_of(model)),
        faked(model, mode, stand_ins) as fakes,
        castable(model),
        Scopes(paths) as scopes,
        torch.inference_mode(False),  # in which operators come whole that are told apart otherwise
        torch.no_grad(),
        mode,
    ):
        yield mode, fakes, scopes


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    # A run makes many small objects that die by themselves; looking for others costs much time.
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextlib.contextmanager
def _plain_torch(home: torch.device) -> Iterator[None]:
    """Run what the model says, whatever is switched on around; put back what it switches."""
    fast_path, dtype = torch.backends.mha.get_fastpath_enabled(), torch.get_default_dtype()
    device = _device.CURRENT_DEVICE
    # Prints a traceback for each operator that refuses its operands: what replays look for.
    loud = logging.getLogger("torch._subclasses.fake_tensor")
    silent = loud.disabled
    loud.disabled = True
    # The fused encoder kernel hides its layers from the analysis.
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with contextlib.ExitStack() as stack:
            if torch.get_default_device().type == "meta":
                stack.enter_context(home)  # where the fakes are, too
            for kind in ("cpu", "cuda"):
                if torch.is_autocast_enabled(kind):
                    stack.enter_context(torch.autocast(kind, enabled=False))
            if hasattr(torch.compiler, "set_stance"):
                stack.enter_context(torch.compiler.set_stance("force_eager"))
            yield
    finally:
        loud.disabled = silent
        torch.backends.mha.set_fastpath_enabled(fast_path)
        torch.set_default_dtype(dtype)
        if device != _device.CURRENT_DEVICE:
            torch.set_default_device(device)
