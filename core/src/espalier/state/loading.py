"""Match the tensors of a file to those of a model, and load them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import torch
from torch import nn

from ..errors import StateError
from .holdings import Holdings, order_of


if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from .format import Manifest


@attrs.frozen
class Matched:
    """
    Which values the tensors of a model get.

    Args:
        values: By the ``id`` of each tensor its value, and the order of its strides.

        anew: The ``id`` of those that get memory of their own, as their shape was another.
    """

    values: Mapping[int, tuple[Tensor, tuple[int, ...] | None]]
    anew: frozenset[int]

    @classmethod
    def of(
        cls,
        model: nn.Module,
        manifest: Manifest,
        tensors: Mapping[str, Tensor],
        shapes: Mapping[str, torch.Size],
    ) -> Matched:
        """
        Compare the model with the file.

        Args:
            model: After its steps were repeated.

            manifest: What the file says.

            tensors: What it holds.

            shapes: What the tensors of the model had as shapes before, by name.

        Raises:
            StateError: If a tensor is on one side only, or has another shape.
        """
        held = Holdings.of(model)
        named = dict(held.named())
        _check_names(model, manifest, held, set(named))
        values: dict[int, tuple[Tensor, tuple[int, ...] | None]] = {}
        anew = set()
        for name, tensor in named.items():
            stored = manifest.aliases.get(name, name)
            if stored not in tensors:
                continue  # a buffer that the model makes itself
            value = tensors[stored]
            if tensor.shape != value.shape:
                raise StateError(
                    f"{name} has shape {tuple(value.shape)} in the file and "
                    f"{tuple(tensor.shape)} in {type(model).__name__}."
                )
            known = manifest.tensors[stored]
            other = values.setdefault(id(tensor), (value, known.order))[0]
            if other is not value and not torch.equal(other, value):
                raise StateError(
                    f"{name} and {held.aliases.get(name)} are one tensor in "
                    f"{type(model).__name__} and two with different values in the file."
                )
            if shapes.get(name, tensor.shape) != tensor.shape:
                anew.add(id(tensor))
        return cls(values, frozenset(anew))

    @torch.no_grad()
    def load(self, model: nn.Module) -> None:
        """
        Give the tensors of *model* their values.

        A tensor of the right kind takes them where it lies. Another is replaced by a new one,
        after it was let go: the new one may get its memory.
        """
        made: dict[int, Tensor] = {}
        for module in model.modules():
            for holder in (module._parameters, module._buffers):  # noqa: SLF001
                for name, tensor in list(holder.items()):
                    if tensor is None or id(tensor) not in self.values:
                        continue
                    value, order = self.values[id(tensor)]
                    if id(tensor) in made:
                        holder[name] = made[id(tensor)]  # type: ignore[assignment]
                    elif id(tensor) in self.anew or not _takes(tensor, value, order):
                        made[id(tensor)] = new = _like(tensor, value, order)
                        holder[name] = new  # type: ignore[assignment]
                    else:
                        tensor.copy_(value)


def _check_names(model: nn.Module, manifest: Manifest, held: Holdings, names: set[str]) -> None:
    saved = {*manifest.tensors, *manifest.aliases}
    # Buffers that are not persistent may be made in the first call.
    own = {n for n in saved if manifest.tensors[manifest.aliases.get(n, n)].in_state}
    missing = [name for name in held.in_state if name not in saved]
    extra = [name for name in own if name not in names]
    if missing or extra:
        raise StateError(
            f"saved from {manifest.model}, does not fit {type(model).__name__}: "
            f"{len(missing)} tensors are missing in the file ({', '.join(missing[:4])}) and "
            f"{len(extra)} are in the file only ({', '.join(extra[:4])})."
        )


def _takes(tensor: Tensor, value: Tensor, order: tuple[int, ...] | None) -> bool:
    return (
        tensor.dtype == value.dtype
        and not tensor.is_meta
        and tensor.layout is torch.strided
        and order_of(tensor) == order
    )


def _like(tensor: Tensor, value: Tensor, order: tuple[int, ...] | None) -> Tensor:
    """Return *value* as a tensor of the kind and on the device of *tensor*."""
    device = torch.device("cpu") if tensor.is_meta else tensor.device
    axes = tuple(range(value.dim())) if order is None else order
    laid = torch.empty([value.shape[axis] for axis in axes], dtype=value.dtype, device=device)
    made = laid.permute([axes.index(axis) for axis in range(len(axes))])
    made.copy_(value)
    if not isinstance(tensor, nn.Parameter):
        return made
    learns = tensor.requires_grad and (made.is_floating_point() or made.is_complex())
    parameter = nn.Parameter(made, requires_grad=learns)
    parameter.__dict__.update(tensor.__dict__)
    return parameter
