"""One call of a module: whether it is remembered, and whether it can be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import torch

from .contents import Unclear, emptied, sample, storage_key, take_apart
from .memory import Remembered
from .states import State, surroundings
from .watch import Recording


if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from torch import Tensor, nn

    from .memory import Held, Memory
    from .purity import Purity
    from .watch import Watch


@final
class Attempt:
    """
    A call that may have been made before.

    Args:
        memory: What is remembered.

        path: Of the module.

        given: The arguments of the call.

    Raises:
        Unclear: If the arguments hold more than tensors and plain values.
    """

    def __init__(self, memory: Memory, path: str, given: Any) -> None:
        self.memory, self.path = memory, path
        self.tensors: list[Tensor] = []
        structure = take_apart(given, self.tensors)
        #: What the same call has again.
        self.key: Hashable = structure, sample(self.tensors), surroundings()

    def answer(self) -> tuple[Any, list[Tensor]] | None:
        """Return the result of the same call before and the tensors in it; ``None`` if none."""
        for call in self.memory.find(self.path, self.key):
            if call.answers(self.tensors):
                return call.given()
        return None


@final
class Trial:
    """
    A call that is made now, and remembered if it can be told that it would compute the same again.

    Args:
        attempt: The call.

        module: The module that is called.

        purity: Tells what its code does.

        watch: Sees its operators.

    Raises:
        Unclear: If its result may depend on more than can be looked at.
    """

    def __init__(self, attempt: Attempt, module: nn.Module, purity: Purity, watch: Watch) -> None:
        self._attempt, self._watch = attempt, watch
        self._state = State(module, purity)
        if not all(watch.guards(weight) for weight in self._state.weights()):
            raise Unclear("it has other parameters than the model had")
        self._random = list(_random_states(attempt.tensors))
        if not watch.writes:
            torch.clear_autocast_cache()  # a weight that was cast before is read from elsewhere
        self._recording = Recording(
            [*attempt.tensors, *self._state.tensors()], self._state.buffers()
        )
        self._writes = watch.writes
        self._outputs: tuple[Held, ...] = ()
        self._inputs: tuple[Held, ...] = ()
        try:
            for tensor in attempt.tensors:
                self._inputs += (attempt.memory.hold(tensor),)
        except Unclear:
            self.drop()
            raise

    def __enter__(self) -> None:
        self._watch.recordings.append(self._recording)

    def __exit__(self, *_: object) -> None:
        self._watch.recordings.remove(self._recording)

    def keep(self, result: Any, saved: int) -> None:
        """
        Remember the call.

        Args:
            result: What it returned.

            saved: What it saves not to run the module.

        Raises:
            Unclear: If it can't be told that it would give the same again.
        """
        if self._recording.unclear:
            raise Unclear(self._recording.unclear)
        if not all(map(torch.equal, self._random, _random_states(self._attempt.tensors))):
            raise Unclear("it draws random numbers")
        if self._watch.writes != self._writes:
            raise Unclear("parameters are written to")
        found: list[Tensor] = []
        take_apart(result, found)
        apart = len(set(map(storage_key, found))) == len(found)
        if not apart or not all(map(self._recording.is_new, found)):
            raise Unclear("its result shares memory with something else")
        written = tuple(self._state.changes())
        for tensor in found:
            self._outputs += (self._attempt.memory.hold(tensor),)
        call = Remembered(self._state, self._inputs, emptied(result), self._outputs, written)
        self._inputs = self._outputs = ()
        self._attempt.memory.add(self._attempt.path, self._attempt.key, call, saved)

    def drop(self) -> None:
        """Let go of what was kept for it."""
        self._attempt.memory.release((*self._inputs, *self._outputs))
        self._inputs = self._outputs = ()


def _random_states(tensors: list[Tensor]) -> Iterator[Tensor]:
    yield torch.get_rng_state()
    for device in dict.fromkeys(tensor.device for tensor in tensors):
        if device.type == "cuda":
            yield torch.cuda.get_rng_state(device)
        elif device.type != "cpu":
            raise Unclear(f"random numbers on {device.type} can't be looked at")
