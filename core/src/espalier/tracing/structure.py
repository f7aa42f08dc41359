"""Find and replace the tensors in whatever a model takes and returns."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

import torch
from torch.utils import _pytree as pytree


if TYPE_CHECKING:
    from torch import Tensor

_OPAQUE = (type, str, bytes, int, float, complex, range, torch.nn.Module, type(None))


def tensors_in(value: Any, seen: set[int] | None = None) -> Iterator[Tensor]:
    """Yield every tensor in *value*, also those in containers and objects of the user's own."""
    seen = set() if seen is None else seen
    for leaf in pytree.tree_leaves(value):
        if isinstance(leaf, torch.Tensor):
            yield leaf
        elif id(leaf) not in seen and not isinstance(leaf, _OPAQUE):
            seen.add(id(leaf))
            if held := list(_held(leaf)):
                yield from tensors_in(held, seen)


def map_tensors(
    function: Callable[[Tensor], Tensor], value: Any, memo: dict[int, Any] | None = None
) -> Any:
    """
    Return *value* with *function* applied to every tensor that `tensors_in` finds.

    What holds tensors is copied, and so is what is reached through it; the rest is the same
    object. A tensor or an object that is there several times stays one.

    Args:
        function: Gives a tensor for each.

        value: A tensor, a container, an object.

        memo: What has been replaced already, by the identity of the original.
    """
    memo = {} if memo is None else memo

    def replace(leaf: Any) -> Any:
        if isinstance(leaf, _OPAQUE):
            return leaf
        if id(leaf) not in memo:
            if isinstance(leaf, torch.Tensor):
                memo[id(leaf)] = function(leaf)
            elif next(tensors_in([leaf]), None) is None:
                memo[id(leaf)] = leaf
            else:
                _copy(leaf, function, memo)
        return memo[id(leaf)]

    return pytree.tree_map(replace, value, is_leaf=_is_named_tuple)


def _is_named_tuple(value: Any) -> bool:
    # Else the class would be called, which may check what it is made of: a packed sequence does.
    return isinstance(value, tuple) and hasattr(value, "_fields")


def _copy(leaf: Any, function: Callable[[Tensor], Tensor], memo: dict[int, Any]) -> None:
    # Built-in methods throughout: those of the user's class may compute, check or refuse.
    def replaced(value: Any) -> Any:
        return map_tensors(function, value, memo)

    if isinstance(leaf, tuple):
        made: Any = tuple.__new__(type(leaf), [replaced(value) for value in leaf])
    elif isinstance(leaf, (set, frozenset)):
        made = type(leaf)(replaced(value) for value in leaf)
    else:
        made = copy.copy(leaf)
    memo[id(leaf)] = made
    if isinstance(leaf, dict):
        for key, value in leaf.items():
            dict.__setitem__(made, key, replaced(value))
    elif isinstance(leaf, list):
        list.__setitem__(made, slice(None), [replaced(value) for value in leaf])
    for name, value in _attributes(leaf):
        object.__setattr__(made, name, replaced(value))


def _attributes(value: Any) -> Iterator[tuple[str, Any]]:
    yield from getattr(value, "__dict__", {}).items()
    for kind in type(value).__mro__:
        slots = vars(kind).get("__slots__", ())
        for name in [slots] if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__") and hasattr(value, name):
                yield name, getattr(value, name)


def _held(value: Any) -> Iterable[Any]:
    for _, held in _attributes(value):
        yield held
    if isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, (Sequence, AbstractSet)):
        yield from value
