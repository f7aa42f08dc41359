"""
Tell weights that a forward reads in bulk from those that it reads as attributes.

A converted module hands out the active part of a weight where it is read as an attribute. What
``parameters()`` or ``state_dict()`` give is the whole, so nothing that is computed from it could
follow.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.utils._python_dispatch import _disable_current_modes


if TYPE_CHECKING:
    from collections.abc import ItemsView, ValuesView

_WHOLE_OF = "_espalier_whole_of"
_WHOLE = "_espalier_whole"
_REAL = "_espalier_real"


class Weights(dict[str, Any]):
    """The fake parameters or buffers of a module: another fake for each that is read in bulk."""

    def items(self) -> ItemsView[str, Any]:  # type: ignore[override]
        """Return the names with the fakes for those who read in bulk; a cast gets its own."""
        if sys._getframe(1).f_code is nn.Module._apply.__code__:  # noqa: SLF001
            return super().items()
        return {name: _whole(tensor) for name, tensor in super().items()}.items()

    def values(self) -> ValuesView[Any]:  # type: ignore[override]
        """Return the fakes for those who read in bulk."""
        return {name: _whole(tensor) for name, tensor in super().items()}.values()


def watch(model: nn.Module) -> None:
    """Have every module of *model* hand out other fakes in bulk. Undone by a `Snapshot`."""
    for module in model.modules():
        for kind in ("_parameters", "_buffers"):
            module.__dict__[kind] = Weights(module.__dict__[kind])


def whole_of(tensor: torch.Tensor) -> torch.Tensor | None:
    """Return the weight that *tensor* is handed out for in bulk; ``None`` for any other tensor."""
    found: torch.Tensor | None = getattr(tensor, _WHOLE_OF, None)
    return found


def _whole(tensor: Any) -> Any:
    if tensor is None:
        return None
    if not hasattr(tensor, _WHOLE):
        # No operator of the model's, so nobody may see it run.
        with _disable_current_modes(), tensor.fake_mode:
            made = torch.empty_strided(
                tensor.shape, tensor.stride(), dtype=tensor.dtype, device=tensor.device
            )
        made._is_param = isinstance(tensor, nn.Parameter)  # noqa: SLF001
        if tensor.requires_grad:
            made.requires_grad_()
        if hasattr(tensor, _REAL):
            setattr(made, _REAL, getattr(tensor, _REAL))
        setattr(made, _WHOLE_OF, tensor)
        setattr(tensor, _WHOLE, made)
    return getattr(tensor, _WHOLE)
