"""Give a model that was just built the shapes and numbers of another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from espalier.errors import StateError


if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn
    from transformers import PreTrainedModel

#: The attribute of a configuration that says what no other of its attributes can say.
KEY = "espalier"


def shape(model: PreTrainedModel, rest: Mapping[str, Any]) -> None:
    """
    Give a model that was just built the shapes and numbers of *rest*.

    Raises:
        StateError: If it has no such module or tensor.
    """
    made: dict[int, torch.Tensor] = {}
    for name, sizes in rest.get("shapes", {}).items():
        module, own = _place(model, name)
        is_parameter = own in module._parameters  # noqa: SLF001
        holder = module._parameters if is_parameter else module._buffers  # noqa: SLF001
        old = holder[own]
        if old is None:
            raise _misfit(model, name)
        if id(old) not in made:
            empty = old.detach().new_empty(tuple(sizes))
            made[id(old)] = torch.nn.Parameter(empty, old.requires_grad) if is_parameter else empty
        holder[own] = made[id(old)]  # type: ignore[assignment]
    for path, numbers in rest.get("numbers", {}).items():
        module = model.get_submodule(path)
        for name, value in numbers.items():
            vars(module)[name] = tuple(value) if isinstance(value, list) else value
    for name in rest.get("buffers", {}):
        # Otherwise the library would compute the values that the configuration stands for.
        _place(model, name)[0]._is_hf_initialized = True  # type: ignore[assignment]  # noqa: SLF001


def fill(model: PreTrainedModel, rest: Mapping[str, Any]) -> None:
    """Give the buffers of a model that has its shapes the values of *rest*."""
    for name, values in rest.get("buffers", {}).items():
        module, own = _place(model, name)
        old = module._buffers[own]  # noqa: SLF001
        if old is None:
            raise _misfit(model, name)
        device = torch.device("cpu") if old.is_meta else old.device
        module._buffers[own] = torch.tensor(values, dtype=old.dtype, device=device)  # noqa: SLF001


def _place(model: PreTrainedModel, name: str) -> tuple[nn.Module, str]:
    path, _, own = name.rpartition(".")
    try:
        module = model.get_submodule(path)
    except AttributeError:
        raise _misfit(model, name) from None
    if own not in module._parameters and own not in module._buffers:  # noqa: SLF001
        raise _misfit(model, name)
    return module, own


def _misfit(model: PreTrainedModel, name: str) -> StateError:
    return StateError(
        f"{type(model).__name__} must have the tensor {name!r}, which config.{KEY} says the shape "
        f"of; it has none. Load the model with the class that was saved."
    )
