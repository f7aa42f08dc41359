"""Find the tensors in whatever a model returns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

import torch
from torch.utils import _pytree as pytree


if TYPE_CHECKING:
    from torch import Tensor


def tensors_in(value: Any, seen: set[int] | None = None) -> Iterator[Tensor]:
    """Yield every tensor in *value*, also those in containers and objects of the user's own."""
    seen = set() if seen is None else seen
    for leaf in pytree.tree_leaves(value):
        if isinstance(leaf, torch.Tensor):
            yield leaf
        elif id(leaf) not in seen and not isinstance(
            leaf, (type, str, bytes, range, torch.nn.Module)
        ):
            seen.add(id(leaf))
            if held := list(_held(leaf)):
                yield from tensors_in(held, seen)


def _held(value: Any) -> Iterable[Any]:
    yield from getattr(value, "__dict__", {}).values()
    for kind in type(value).__mro__:
        slots = vars(kind).get("__slots__", ())
        for name in [slots] if isinstance(slots, str) else slots:
            yield getattr(value, name, None)
    if isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, (Sequence, AbstractSet)):
        yield from value
