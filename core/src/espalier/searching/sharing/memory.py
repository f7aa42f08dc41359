"""What is remembered of calls, within a bound."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, final

import attrs

from .contents import copied, put_together, same_bits, sample, take_apart


if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from torch import Tensor

    from .states import State

#: How many calls are remembered whose arguments look alike and are not, or whose modules differ.
_ALIKE = 4


@attrs.define(eq=False)
class Held:
    """A tensor that nobody else has, shared by all calls that hold the same."""

    tensor: Tensor
    key: Hashable
    uses: int = 0


@attrs.frozen(eq=False)
class Remembered:
    """
    One call of a module.

    Args:
        state: What the module was.

        inputs: The tensors among its arguments.

        result: What it returned, without its tensors.

        outputs: The tensors in its result, in order.

        written: The buffers that the call changed, each with what it held afterwards.
    """

    state: State
    inputs: tuple[Held, ...]
    result: Any
    outputs: tuple[Held, ...]
    written: tuple[tuple[Tensor, Tensor], ...]

    def given(self) -> tuple[Any, list[Tensor]]:
        """Return its result anew, and the tensors in it; leave the buffers as it left them."""
        for buffer, after in self.written:
            buffer.copy_(after)
        copies = [held.tensor.clone() for held in self.outputs]
        return put_together(self.result, iter(copies)), copies

    @property
    def bytes(self) -> int:
        """How much memory it takes besides what others may share."""
        return self.state.bytes + sum(after.nbytes for _, after in self.written)

    def answers(self, tensors: list[Tensor]) -> bool:
        """Whether a call with *tensors* among its arguments would compute the same now."""
        return self.state.holds() and all(
            same_bits(held.tensor, tensor)
            for held, tensor in zip(self.inputs, tensors, strict=True)
        )


@final
class Memory:
    """
    Calls of modules, of which those that save least for the memory they take go first.

    Args:
        max_bytes: How much memory all together may take.
    """

    def __init__(self, max_bytes: int) -> None:
        self.bytes = 0
        self._max_bytes = max_bytes
        self._pool: dict[Hashable, list[Held]] = {}
        self._calls: dict[str, dict[Hashable, list[Remembered]]] = defaultdict(dict)
        #: What each module saves for a byte, once that is known.
        self._density: dict[str, float] = {}
        self._full: set[str] = set()

    def find(self, path: str, key: Hashable) -> list[Remembered]:
        """Return the calls that may be the one with *key*."""
        return self._calls[path].get(key, [])

    def is_full_for(self, path: str) -> bool:
        """Whether there was no room for the module at *path*."""
        return path in self._full

    def hold(self, tensor: Tensor) -> Held:
        """
        Return a copy of *tensor* that whoever holds the same shares.

        Raises:
            Unclear: If it can't be copied as it lies in memory.
        """
        key = (take_apart(tensor, []), sample([tensor]))
        for held in self._pool.get(key, ()):
            if same_bits(held.tensor, tensor):
                held.uses += 1
                return held
        held = Held(copied(tensor), key, 1)
        self._pool.setdefault(key, []).append(held)
        self.bytes += held.tensor.nbytes
        return held

    def release(self, helds: Iterable[Held]) -> None:
        """Let go of what `hold` returned."""
        for held in helds:
            held.uses -= 1
            alike = self._pool.get(held.key, [])
            if not held.uses and held in alike:
                alike.remove(held)
                self.bytes -= held.tensor.nbytes
                if not alike:
                    del self._pool[held.key]

    def add(self, path: str, key: Hashable, call: Remembered, saved: int) -> None:
        """
        Remember *call* of the module at *path*, if there is room or it is worth to make some.

        Args:
            path: Of the module.

            key: What any such call has.

            call: The call.

            saved: What remembering calls of this module saves.
        """
        alike = self._calls[path].setdefault(key, [])
        alike.append(call)
        self.bytes += call.bytes
        if len(alike) > _ALIKE:
            self._forget(alike.pop(0))
        own = call.bytes + sum(held.tensor.nbytes for held in call.outputs)
        self._density.setdefault(path, saved / max(own, 1))
        while self.bytes > self._max_bytes:
            least = min((p for p in self._calls if self._calls[p]), key=self._density.__getitem__)
            self._full.add(least)
            last, calls = self._calls[least].popitem()
            del last
            for each in calls:
                self._forget(each)

    def clear(self) -> None:
        """Forget everything."""
        self.bytes = 0
        self._pool.clear()
        self._calls.clear()
        self._full.clear()

    def _forget(self, call: Remembered) -> None:
        self.bytes -= call.bytes
        self.release((*call.inputs, *call.outputs))
