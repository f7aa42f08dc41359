"""The steps that a model went through."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import attrs
import structlog

from ..errors import EspalierError
from ..plugins import current_host
from ..spaces.supernet import is_converted, supernet_of


if TYPE_CHECKING:
    from torch import nn

log = structlog.get_logger()


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

    A copy of an exported model starts without any: a plain model has no place to carry them.
    """
    if is_converted(model):
        return list(supernet_of(model).steps)
    return list(_of_plain.get(model, ()))


def up_to_date(model: nn.Module) -> list[Step]:
    """
    Return the steps of *model* with what the last of them needs by now to be repeated.

    Raises:
        EspalierError: If its mode is not installed, or can't tell.
    """
    steps = steps_of(model)
    if steps:
        last = steps[-1]
        metadata = current_host().modes[last.mode]().metadata(model)
        steps[-1] = attrs.evolve(last, metadata=metadata)
    return steps


def closed(model: nn.Module) -> list[Step]:
    """
    Return the steps of *model* as the next one finds them: the last is over.

    Where its mode can't tell what it needs, as one whose inputs are no plain data, the step is
    kept without. What follows is recorded all the same.
    """
    try:
        return up_to_date(model)
    except EspalierError as error:
        steps = steps_of(model)
        log.info("metadata_missing", mode=steps[-1].mode, reason=str(error))
        return steps


def record_step(model: nn.Module, step: Step, *, before: list[Step]) -> None:
    """Keep *step*, and those *before* it, with *model*."""
    put_steps(model, [*before, step])


def put_steps(model: nn.Module, steps: list[Step]) -> None:
    """Have *model* keep *steps* and no others."""
    if is_converted(model):
        supernet_of(model).steps = steps
    elif steps:
        _of_plain[model] = steps
    else:
        _of_plain.pop(model, None)
