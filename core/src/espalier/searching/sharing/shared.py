"""Run the modules before the first changed one once, and answer their later calls from memory."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any, Self, final

import structlog
import torch

from .contents import Unclear, put_together, sample, take_apart
from .memory import Memory, Remembered
from .purity import Purity
from .states import State, has_global_hooks, surroundings
from .watch import Recording, Watch
from .weights import checksum
from .worth import Worth


if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from torch import Tensor, nn

    from ...spaces import Supernet

log = structlog.get_logger()

#: How much of the results is kept where nobody says.
MAX_BYTES = 256 << 20


@final
class SharedPrefixes:
    """
    Within this context, a call of a module that would compute the same again is not run.

    It is entered anew for each score. What the first one computes is kept; later ones, whose
    configurations differ in a few hparams from the first one's, take from it whatever runs before
    the first module that these touch. Where it can't be told that a module would compute the
    same, bit for bit, the module is run. Each result is a copy, so nobody sees that it is shared.

    Args:
        model: The converted model.

        supernet: Its record.

        max_bytes: How much memory the results may take.

        enabled: Whether to share at all.
    """

    def __init__(
        self,
        model: nn.Module,
        supernet: Supernet,
        *,
        max_bytes: int = MAX_BYTES,
        enabled: bool = True,
    ) -> None:
        self._model, self._supernet = model, supernet
        self._is_open = enabled
        self._worth: Worth | None = None
        self._memory = Memory(max_bytes)
        self._purity = Purity()
        self._refused: dict[tuple[str, bool], str] = {}
        self._base: dict[str, Any] | None = None
        self._checksum: tuple[int, ...] = ()
        self._calls: list[_Call] = []
        self._watch: Watch | None = None
        self._writes = 0
        self._thread = 0
        self._before = 0.0
        #: How many calls of modules were answered from memory.
        self.answered = 0

    @property
    def bytes(self) -> int:
        """How much memory the results take."""
        return self._memory.bytes

    @property
    def refused(self) -> dict[str, str]:
        """Why modules are run each time, though remembering them would pay, by path."""
        return {path: why for (path, _), why in self._refused.items()}

    def close(self) -> None:
        """Forget everything, for good."""
        if self._worth is not None:
            log.debug("prefixes_shared", answered=self.answered, run_each_time=self.refused)
        self._memory.clear()
        self._is_open = False

    def __enter__(self) -> Self:
        alone = self._watch is None and not torch._C._len_torch_dispatch_stack()  # noqa: SLF001
        if self._is_open and alone:
            if self._worth is None:
                self._worth = Worth(self._model, self._supernet)
            self._begin(self._worth)
        return self

    def __exit__(self, *_: object) -> None:
        for call in self._calls:
            call.take_away()
        self._calls = []
        if self._watch is not None:
            watch, self._watch = self._watch, None
            watch.__exit__(None, None, None)

    def _begin(self, worth: Worth) -> None:
        config = self._supernet.space.config()
        if self._base is None:
            self._base = config
        changed = [name for name, choice in config.items() if self._base.get(name) != choice]
        self._before = worth.first_touched(changed)
        modules = dict(self._model.named_modules())
        paths = [p for p in worth.saved if p in modules and worth.is_before(p, self._before)]
        weights = {p: None for path in paths for p in modules[path].parameters()}
        if not paths or any(tensor.is_meta for tensor in weights):
            return
        found = checksum(weights) if self._memory.bytes or not self._checksum else ()
        if found != self._checksum[: len(found)]:
            self._memory.clear()
        if len(found) > len(self._checksum) or found != self._checksum[: len(found)]:
            self._checksum = found
        self._thread, self._writes = threading.get_ident(), 0
        self._watch = Watch(weights)
        self._watch.__enter__()
        for path in paths:
            call = _Call(self, path, modules[path])
            if call.put():
                self._calls.append(call)

    def call(
        self, path: str, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Return what *module*, at *path*, returns for a call."""
        watch = self._watch
        place = path, module.training
        if watch is None or not _is_clear() or place in self._refused:
            return module._call_impl(*args, **kwargs)  # noqa: SLF001
        try:
            guard = torch._C._DisableTorchDispatch()  # noqa: SLF001 - what is done here is not seen
            try:
                attempt = _Attempt(self._memory, path, args, kwargs)
                if watch.writes != self._writes:
                    self._memory.clear()
                    self._writes = watch.writes
                found = attempt.answer()
                if found is None and not self._memory.is_full_for(path):
                    attempt.prepare(module, self._purity, watch)
            finally:
                del guard
        except Unclear as why:
            self._refused[place] = str(why)
            return module._call_impl(*args, **kwargs)  # noqa: SLF001
        if found is not None:
            self.answered += 1
            for recording in watch.recordings:
                recording.makes(found[1])
            return found[0]
        if attempt.recording is None:
            return module._call_impl(*args, **kwargs)  # noqa: SLF001
        return self._run(place, module, attempt, args, kwargs)

    def _run(
        self,
        place: tuple[str, bool],
        module: nn.Module,
        attempt: _Attempt,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        watch, recording = self._watch, attempt.recording
        assert watch is not None
        assert recording is not None
        assert self._worth is not None
        watch.recordings.append(recording)
        try:
            result = module._call_impl(*args, **kwargs)  # noqa: SLF001
        except BaseException:
            attempt.drop()
            raise
        finally:
            watch.recordings.remove(recording)
        guard = torch._C._DisableTorchDispatch()  # noqa: SLF001
        try:
            if watch.writes == self._writes:
                attempt.keep(result, self._worth.saved[place[0]])
            else:
                attempt.drop()
        except Unclear as why:
            attempt.drop()
            self._refused[place] = str(why)
        finally:
            del guard
        return result


@final
class _Attempt:
    """
    One call: is it remembered, or can it be?

    Raises:
        Unclear: If its arguments hold more than tensors and plain values.
    """

    def __init__(
        self, memory: Memory, path: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        self._memory, self._path = memory, path
        self._tensors: list[Tensor] = []
        structure = take_apart((args, kwargs), self._tensors)
        self._key: Hashable = structure, sample(self._tensors), surroundings()
        self._inputs: tuple[Any, ...] = ()
        self._outputs: list[Any] = []
        self._state: State | None = None
        self._random: list[Tensor] = []
        #: What sees the operators of the call, where it is to be remembered.
        self.recording: Recording | None = None

    def answer(self) -> tuple[Any, list[Tensor]] | None:
        """Return the result of the same call before and the tensors in it; ``None`` if none."""
        for call in self._memory.find(self._path, self._key):
            if call.answers(self._tensors):
                for buffer, after in call.written:
                    buffer.copy_(after)
                copies = {id(held.tensor): held.tensor.clone() for held in call.outputs}
                return put_together(call.result, copies), list(copies.values())
        return None

    def prepare(self, module: nn.Module, purity: Purity, watch: Watch) -> None:
        """Look at everything before the call that tells afterwards whether to remember it."""
        self._state = State(module, purity)
        if not all(watch.guards(weight) for weight in self._state.weights()):
            raise Unclear("it has other parameters than the model had")
        self._random = list(_random_states(self._tensors))
        self._inputs = tuple(map(self._memory.hold, self._tensors))
        self.recording = Recording([*self._tensors, *self._state.tensors()], self._state.buffers())

    def keep(self, result: Any, saved: int) -> None:
        """
        Remember the call with its *result*.

        Args:
            result: What it returned.

            saved: What remembering calls of this module saves.

        Raises:
            Unclear: If it can't be told that it would give the same again.
        """
        assert self.recording is not None
        assert self._state is not None
        if self.recording.unclear:
            raise Unclear(self.recording.unclear)
        if not all(map(torch.equal, self._random, _random_states(self._tensors))):
            raise Unclear("it draws random numbers")
        found: list[Tensor] = []
        take_apart(result, found)
        storages = {tensor.untyped_storage()._cdata for tensor in found}  # noqa: SLF001
        if len(storages) != len(found) or not all(map(self.recording.is_new, found)):
            raise Unclear("its result shares memory with something else")
        written = tuple(self._state.changes())
        self._outputs = [self._memory.hold(tensor) for tensor in found]
        held = {id(tensor): each.tensor for tensor, each in zip(found, self._outputs, strict=True)}
        own = put_together(result, held)
        call = Remembered(self._state, self._inputs, own, tuple(self._outputs), written)
        self._inputs, self._outputs = (), []
        self._memory.add(self._path, self._key, call, saved)

    def drop(self) -> None:
        """Let go of what was kept for it."""
        self._memory.release((*self._inputs, *self._outputs))
        self._inputs, self._outputs = (), []


class _Call:
    """
    Stands in for the call of one module, as what `torch.nn.Module.compile` makes does.

    torch leaves it out of whatever is copied, pickled or saved.
    """

    def __init__(self, shared: SharedPrefixes, path: str, module: nn.Module) -> None:
        self._shared, self._path, self._module = shared, path, module

    def put(self) -> bool:
        """Stand in from now on; false if something else does already."""
        return self._module.__dict__.setdefault("_compiled_call_impl", self) is self

    def take_away(self) -> None:
        """Stand in no more."""
        own = self._module.__dict__
        if own.get("_compiled_call_impl") is self:
            del own["_compiled_call_impl"]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if torch.compiler.is_compiling():
            return self._module._call_impl(*args, **kwargs)  # noqa: SLF001
        if threading.get_ident() != self._shared._thread:  # noqa: SLF001
            # A replica in another thread has taken this with all else that the module has.
            owner = sys._getframe(1).f_locals.get("self", self._module)  # noqa: SLF001
            return owner._call_impl(*args, **kwargs)  # noqa: SLF001
        return self._shared.call(self._path, self._module, args, kwargs)

    def __reduce__(self) -> tuple[Any, tuple[()]]:
        return _nothing, ()


def _nothing() -> None:
    """Be what a copy of a module has instead."""


def _is_clear() -> bool:
    """Whether nothing but the plain operators happens, as far as torch can tell."""
    return not (
        torch.is_grad_enabled()
        or torch._C._get_tracing_state()  # noqa: SLF001
        or torch._C._len_torch_dispatch_stack() != 1  # noqa: SLF001
        or torch._C._len_torch_function_stack()  # noqa: SLF001
        or torch._C._functorch.peek_interpreter_stack() is not None  # noqa: SLF001
        or torch.autograd.forward_ad._current_level >= 0  # noqa: SLF001
        or has_global_hooks()
    )


def _random_states(tensors: list[Tensor]) -> Iterator[Tensor]:
    yield torch.get_rng_state()
    for device in dict.fromkeys(tensor.device for tensor in tensors):
        if device.type == "cuda":
            yield torch.cuda.get_rng_state(device)
        elif device.type != "cpu":
            raise Unclear(f"random numbers on {device.type} can't be looked at")
