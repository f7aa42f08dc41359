"""Put back what a run may change besides attributes of modules: what they hold, random states."""

from __future__ import annotations

import contextlib
import random
import sys
from typing import TYPE_CHECKING

import torch

from .holdings import holdings_of


if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn


@contextlib.contextmanager
def kept_contents(model: nn.Module) -> Iterator[None]:
    """
    Let a ``forward`` run that may change what its modules hold, and put that back.

    Lists, dicts, sets and objects of the user's own classes are followed through each other, from
    the attributes, the classes and the hooks of every module. What is found is put back to what it
    held; tensors that a run writes to are not looked at here.
    """
    held = holdings_of(model)
    try:
        yield
    finally:
        for holding in held:
            holding.restore()


@contextlib.contextmanager
def kept_randomness() -> Iterator[None]:
    """Put back the states of torch's, Python's and, where it is loaded, NumPy's generators."""
    numpy = sys.modules.get("numpy")
    own = random.getstate()
    theirs = numpy.random.get_state() if numpy else None
    try:
        with torch.random.fork_rng(devices=_devices()):
            yield
    finally:
        random.setstate(own)
        if numpy:
            numpy.random.set_state(theirs)


def _devices() -> list[int]:
    # Only a device in use has a state that is worth the copy, and asking starts none.
    in_use = torch.cuda.is_available() and torch.cuda.is_initialized()
    return list(range(torch.cuda.device_count())) if in_use else []
