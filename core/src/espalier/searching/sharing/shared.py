"""Run the modules before the first changed one once, and answer their later calls from memory."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Self, final

import structlog
import torch

from .attempt import Attempt, Trial
from .contents import Unclear
from .memory import Memory
from .purity import Purity
from .standin import StandIn, is_clear
from .watch import Watch
from .weights import digest
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
        self._digests: dict[nn.Parameter, Hashable] = {}
        self._stand_ins: list[StandIn] = []
        self._watch: Watch | None = None
        self._writes = 0
        #: How many calls of modules were answered from memory.
        self.answered = 0

    @property
    def bytes(self) -> int:
        """How much memory the results take."""
        return self._memory.bytes

    @property
    def refused(self) -> dict[str, str]:
        """Why modules are run each time, by path."""
        found = {path: why for (path, _), why in self._refused.items()}
        return found if self._worth is None else {**self._worth.impure, **found}

    def close(self) -> None:
        """Forget everything, for good."""
        if self._worth is not None:
            log.debug("prefixes_shared", answered=self.answered, run_each_time=self.refused)
        self._memory.clear()
        self._digests = {}
        self._is_open = False

    def __enter__(self) -> Self:
        alone = self._watch is None and not torch._C._len_torch_dispatch_stack()  # noqa: SLF001
        if self._is_open and alone:
            if self._worth is None:
                self._worth = Worth(self._model, self._supernet, self._purity)
            self._begin(self._worth)
        return self

    def __exit__(self, *_: object) -> None:
        for stand_in in self._stand_ins:
            stand_in.take_away()
        self._stand_ins = []
        if self._watch is not None:
            watch, self._watch = self._watch, None
            if watch.writes != self._writes:
                self._memory.clear()
            watch.__exit__(None, None, None)  # type: ignore[no-untyped-call]

    def _begin(self, worth: Worth) -> None:
        config = self._supernet.space.config()
        if self._base is None:
            self._base = config
        changed = [name for name, choice in config.items() if self._base.get(name) != choice]
        number = worth.first_touched(changed)
        modules = {path: m for path, m in self._model.named_modules() if path in worth.saved}
        before = [path for path in modules if worth.is_before(path, number)]
        weights = {weight: None for path in before for weight in modules[path].parameters()}
        if not before or any(weight.is_meta for weight in weights):
            return
        found = {weight: digest(weight) for weight in weights}
        if any(self._digests.get(weight, now) != now for weight, now in found.items()):
            self._memory.clear()  # something was written while nobody looked on
        self._digests |= found
        self._watch, self._writes = Watch(weights), 0
        self._watch.__enter__()  # type: ignore[no-untyped-call]
        for path in before:
            stand_in = StandIn(self._call, path, modules[path])
            if stand_in.put():
                self._stand_ins.append(stand_in)

    def _call(
        self, path: str, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Return what *module*, at *path*, returns for a call."""
        watch, place = self._watch, (path, module.training)
        if watch is None or not is_clear() or place in self._refused:
            return module._call_impl(*args, **kwargs)  # noqa: SLF001
        trial = None
        try:
            with _unseen():
                attempt = Attempt(self._memory, path, (args, kwargs))
                found = self._answer(attempt, watch)
                if found is None and not self._memory.is_full_for(path):
                    trial = Trial(attempt, module, self._purity, watch)
        except Unclear as why:
            self._refused[place] = str(why)
            found = None
        if found is not None:
            return found[0]
        if trial is None:
            return module._call_impl(*args, **kwargs)  # noqa: SLF001
        return self._run(place, module, trial, args, kwargs)

    def _answer(self, attempt: Attempt, watch: Watch) -> tuple[Any, list[Tensor]] | None:
        if watch.writes != self._writes:
            self._memory.clear()
            self._writes = watch.writes
        found = attempt.answer()
        if found is not None:
            self.answered += 1
            for recording in watch.recordings:
                recording.makes(found[1])
        return found

    def _run(
        self,
        place: tuple[str, bool],
        module: nn.Module,
        trial: Trial,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        try:
            with trial:
                result = module._call_impl(*args, **kwargs)  # noqa: SLF001
            with _unseen():
                if self._worth is not None:
                    trial.keep(result, self._worth.saved[place[0]])
        except Unclear as why:
            self._refused[place] = str(why)
        finally:
            trial.drop()
        return result


@contextlib.contextmanager
def _unseen() -> Iterator[None]:
    """Do something that the watch does not see."""
    guard = torch._C._DisableTorchDispatch()  # noqa: SLF001
    try:
        yield
    finally:
        del guard
