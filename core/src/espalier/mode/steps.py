"""The steps that a model went through."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import attrs

from ..spaces.supernet import is_converted, supernet_of


if TYPE_CHECKING:
    from torch import nn


@attrs.frozen
class Step:
    """
    One mode that was applied to a model.

    Args:
        mode: Its name.

        config: Its configuration, as plain data.

        metadata: What the mode needs to repeat it on a fresh model, as plain data.
    """

    mode: str
    config: dict[str, Any]
    metadata: dict[str, Any]


# A plain model must not carry anything of Espalier's, so its steps are kept beside it.
_of_plain: weakref.WeakKeyDictionary[nn.Module, list[Step]] = weakref.WeakKeyDictionary()


def steps_of(model: nn.Module) -> list[Step]:
    """
    Return the steps that *model* went through, oldest first.

    A copy of an exported model starts without any.
    """
    if is_converted(model):
        return list(supernet_of(model).steps)
    return list(_of_plain.get(model, ()))


def record_step(model: nn.Module, step: Step, *, before: list[Step]) -> None:
    """Keep *step*, and those *before* it, with *model*."""
    steps = [*before, step]
    if is_converted(model):
        supernet_of(model).steps = steps
    else:
        _of_plain[model] = steps
