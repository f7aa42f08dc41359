"""From the code that a failing example prints back to the network."""

from __future__ import annotations

from torch import nn

from . import (
    attention,
    attributes,
    block,
    gating,
    ordering,
    outputs,
    parameters,
    sharing,
    splitting,
)


_MODULES = (
    nn,
    attention,
    attributes,
    block,
    gating,
    ordering,
    outputs,
    parameters,
    sharing,
    splitting,
)
_NAMES = {
    name: value
    for module in _MODULES
    for name, value in vars(module).items()
    if isinstance(value, type) and issubclass(value, nn.Module)
}


def made_of(code):
    """Return the network that *code* makes: what a failing example prints."""
    return eval(code, {}, _NAMES)
