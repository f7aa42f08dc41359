"""Tell what a model returns from the state that it hands out for its next call."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

import torch


if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

_CONTAINERS = (torch.Tensor, Mapping, list, tuple, AbstractSet, str, bytes, int, float, complex)


def results_of(
    model: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any], output: Any
) -> Any:
    """
    Return *output* without the state of the model that is in it, such as a cache of keys.

    What a mapping holds under the name of an argument that ``forward`` was called without, and
    that is an object of a class of its own rather than a tensor or a container of tensors, is to
    be handed in again. Nobody else reads it, so its sizes are the model's own.

    Args:
        model: The model that was called.

        args: Positional arguments of the call.

        kwargs: Keyword arguments of the call.

        output: What came back.
    """
    if not isinstance(output, Mapping):
        return output
    unset = _unset(model, args, kwargs)
    return {
        name: value for name, value in output.items() if name not in unset or not _is_state(value)
    }


def _unset(model: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]) -> set[str]:
    try:
        signature = inspect.signature(model.forward)
        given = signature.bind_partial(*args, **kwargs).arguments
    except (TypeError, ValueError):  # a forward without a signature to read
        return set()
    return {name for name in signature.parameters if given.get(name) is None}


def _is_state(value: Any) -> bool:
    return not isinstance(value, _CONTAINERS) and not dataclasses.is_dataclass(value)
