"""When activations are allocated and freed."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

import attrs

from .memory import memory_of


if TYPE_CHECKING:
    from torch import Tensor

    from ..axes import Axis


@attrs.define
class Lifetime:
    """
    One allocation of the forward pass.

    Args:
        axes: Its elements are their product.

        item_bytes: Bytes of one element.

        first: Number of the operator that allocates it; 0 for an input.

        last: Number of the last operator before it is freed; ``None`` if it outlives the pass.
    """

    axes: tuple[Axis, ...]
    item_bytes: int
    first: int
    last: int | None = None


class Lifetimes:
    """Watches tensors come and go; tensors that share storage are one allocation."""

    def __init__(self) -> None:
        self.all: list[Lifetime] = []
        self.now = 0
        self._open: dict[int, list[object]] = {}
        self._ignored: set[int] = set()

    def ignore(self, tensor: Tensor) -> None:
        """Don't count *tensor* and its views: it is a weight."""
        self._ignored.add(_key(tensor))

    def observe(self, tensor: Tensor, axes: list[Axis]) -> None:
        """Count *tensor*, alive from now until the last tensor on its storage is gone."""
        key = _key(tensor)
        if key in self._ignored:
            return
        if key not in self._open:
            self.all.append(Lifetime(tuple(axes), tensor.element_size(), self.now))
            self._open[key] = [self.all[-1], 0]
        entry = self._open[key]
        entry[1] += 1  # type: ignore[operator]
        weakref.finalize(tensor, self._gone, key, entry).atexit = False

    def _gone(self, key: int, entry: list[object]) -> None:
        entry[1] -= 1  # type: ignore[operator]
        if entry[1] == 0:
            entry[0].last = self.now  # type: ignore[attr-defined]
            if self._open.get(key) is entry:
                del self._open[key]


def _key(tensor: Tensor) -> int:
    return memory_of(tensor) or id(tensor)
