"""Put back what a run may change besides attributes: contents of containers, random states."""

from __future__ import annotations

import contextlib
import random
import sys
from collections import deque
from typing import TYPE_CHECKING, Any

import torch


if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn


@contextlib.contextmanager
def kept_contents(model: nn.Module) -> Iterator[None]:
    """
    Let a ``forward`` run that may append to its module's lists, and put their contents back.

    Containers are followed through each other, not through objects of other classes.
    """
    held = {}
    pending: list[Any] = [value for module in model.modules() for value in vars(module).values()]
    while pending:
        value = pending.pop()
        if id(value) not in held and isinstance(value, (list, dict, set, deque)):
            content = dict(value) if isinstance(value, dict) else list(value)
            held[id(value)] = (value, content)
            pending += content.values() if isinstance(content, dict) else content
        elif isinstance(value, tuple):
            pending += value
    try:
        yield
    finally:
        for container, content in held.values():
            _refill(container, content)


def _refill(container: Any, content: Any) -> None:
    container.clear()
    if isinstance(container, (dict, set)):
        container.update(content)
    else:
        container.extend(content)


@contextlib.contextmanager
def kept_randomness() -> Iterator[None]:
    """Put back the states of torch's, Python's and, where it is loaded, NumPy's generators."""
    numpy = sys.modules.get("numpy")
    own = random.getstate()
    theirs = numpy.random.get_state() if numpy else None
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        random.setstate(own)
        if numpy:
            numpy.random.set_state(theirs)
