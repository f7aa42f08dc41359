"""What of a model is saved: each tensor once, and the looks of its modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import torch

from ..errors import StateError
from ..spaces.analysis import declared_sizes
from .container import DTYPES


if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn


@attrs.frozen
class Holdings:
    """
    The tensors of a model.

    Args:
        tensors: Each once, by the first of its names.

        aliases: For each further name of a shared tensor, the first.

        in_state: The names that ``state_dict`` has, in its order. The others are of buffers that
            are not persistent; they are saved too, for an export may have cut them.
    """

    tensors: dict[str, Tensor]
    aliases: dict[str, str]
    in_state: dict[str, None]

    @classmethod
    def of(cls, model: nn.Module) -> Holdings:
        """
        Return what *model* holds.

        Raises:
            StateError: If its state has something that can't be given back to it.
        """
        state = model.state_dict(keep_vars=True)
        held = {name: tensor for name, tensor in _held(model) if tensor is not None}
        odd = [name for name in state if state[name] is not held.get(name)]
        if odd:
            raise StateError(
                f"{type(model).__name__}: each entry of the state dict must be a parameter or a "
                f"buffer to be saved; these are not: {', '.join(odd[:4])}."
            )
        tensors: dict[str, Tensor] = {}
        aliases: dict[str, str] = {}
        first: dict[int, str] = {}
        for name in [*state, *(name for name in held if name not in state)]:
            tensor = held[name]
            if id(tensor) in first:
                aliases[name] = first[id(tensor)]
            else:
                first[id(tensor)] = name
                tensors[name] = tensor
        return cls(tensors, aliases, dict.fromkeys(state))

    def named(self) -> Iterator[tuple[str, Tensor]]:
        """Yield every tensor by each of its names."""
        yield from self.tensors.items()
        for name, first in self.aliases.items():
            yield name, self.tensors[first]

    def require_data(self) -> None:
        """
        Raise unless every tensor can be written.

        Raises:
            StateError: Naming one that can't.
        """
        for name, tensor in self.tensors.items():
            if tensor.is_meta:
                raise StateError(f"{name} is on the meta device: it has no data to save.")
            if tensor.layout is not torch.strided:
                raise StateError(f"{name}: only dense tensors can be saved, got {tensor.layout}.")
            if tensor.dtype not in DTYPES:
                kinds = ", ".join(str(kind).removeprefix("torch.") for kind in DTYPES)
                raise StateError(
                    f"{name}: the dtype must be one that safetensors has, {kinds}; got "
                    f"{tensor.dtype}."
                )


def _held(model: nn.Module) -> Iterator[tuple[str, Tensor | None]]:
    """Yield every parameter and buffer by each of its names, those of shared modules included."""
    for path, module in model.named_modules(remove_duplicate=False):
        for holder in (module._parameters, module._buffers):  # noqa: SLF001
            for name, tensor in holder.items():
                yield (f"{path}.{name}" if path else name), tensor


def order_of(tensor: Tensor) -> tuple[int, ...] | None:
    """
    Return the axes of *tensor* from the widest stride to the narrowest.

    Returns:
        ``None`` where it is row-major, or no dense tensor in another order.
    """
    if tensor.is_contiguous():
        return None
    strides = tensor.stride()
    order = tuple(sorted(range(tensor.dim()), key=lambda axis: (-strides[axis], axis)))
    return order if tensor.permute(order).is_contiguous() else None


def looks_of(model: nn.Module) -> dict[str, Any]:
    """
    Return how the modules look by which one can tell a saved model from another.

    Returns:
        For each module with tensors or sizes the ``shapes`` of its tensors, the ``attributes``
        that a converter declares, and all other ``numbers``: a copy of an exported model has no
        steps that say which of them the export changed.
    """
    looks = {}
    for path, module in model.named_modules():
        own = {**module._parameters, **module._buffers}  # noqa: SLF001
        declared = declared_sizes(module)
        look = {
            "shapes": {
                name: list(tensor.shape) for name, tensor in own.items() if tensor is not None
            },
            "attributes": {name: vars(module)[name] for name in declared},
            "numbers": {
                name: value
                for name, value in vars(module).items()
                if name not in declared and not name.startswith("_") and _is_number(value)
            },
        }
        if any(look.values()):
            looks[path] = look
    return looks


def _is_number(value: object) -> bool:
    if type(value) is tuple:
        return bool(value) and all(type(inner) is int for inner in value)
    return type(value) is int
