"""Find what a model keeps for its next call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from .structure import tensors_in


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from torch import Tensor, nn

_REGISTERED = ("_parameters", "_buffers", "_modules")


def caches_of(
    model: nn.Module,
    own: Iterable[Tensor],
    call: Callable[[], Any],
    has_axes: Callable[[Tensor], bool],
) -> list[Tensor]:
    """
    Return the tensors of the last run that *model* holds in attributes and reads in the next.

    What is only left there for somebody to look at is not read, and is left out.

    Args:
        model: A model that has just run.

        own: Its parameters and buffers.

        call: Runs it again.

        has_axes: Whether a tensor was made in the run and may have an axis that can change.
    """
    known = set(map(id, own))
    found = tensors_in([_attributes(module) for module in model.modules()])
    held = {id(tensor): tensor for tensor in found if id(tensor) not in known and has_axes(tensor)}
    if not held:
        return []
    reads = _Reads(held)
    try:
        with reads:
            call()
    except Exception:  # noqa: BLE001 - what a second call does with it is not known then
        return list(held.values())
    return list(reads.found.values())


def _attributes(module: nn.Module) -> list[Any]:
    own = module.__dict__
    return [value for name, value in own.items() if name not in _REGISTERED]


class _Reads(TorchDispatchMode):
    """Keeps those of some tensors that operators read."""

    def __init__(self, wanted: Mapping[int, Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._wanted = wanted
        self.found: dict[int, Tensor] = {}

    def __torch_dispatch__(
        self, op: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        for tensor in pytree.tree_leaves((args, kwargs)):
            if isinstance(tensor, torch.Tensor) and id(tensor) in self._wanted:
                self.found[id(tensor)] = tensor
        return op(*args, **(kwargs or {}))
