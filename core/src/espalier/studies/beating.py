"""Say again and again that a process is still there."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self, final

import structlog

from ..errors import EspalierError
from .owners import GRACE_S


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .store import TrialStore

__all__ = ["Beating"]

log = structlog.get_logger()


@final
class Beating:
    """
    Tells a store, while it is entered, which trials this process runs.

    It has a thread of its own, since the process may be busy with one trial for hours.

    Args:
        store: What is told.

        numbers: Returns the trials.

        seconds: How often.
    """

    def __init__(
        self, store: TrialStore, numbers: Callable[[], Sequence[int]], seconds: float = GRACE_S / 4
    ) -> None:
        self._store = store
        self._numbers = numbers
        self._seconds = seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._go, name="espalier-beat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _go(self) -> None:
        while not self._ended.wait(self._seconds):
            numbers = self._numbers()
            try:
                if numbers:
                    self._store.beat(numbers)
            except EspalierError as error:
                # The next one may reach it; the loop itself will say so if it can't.
                log.warning("beat_failed", reason=str(error))
