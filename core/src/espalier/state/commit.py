"""Do something whole or not at all, whenever somebody interrupts."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, TypeVar


if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

T = TypeVar("T")


def commit(
    prepare: Callable[[], T], work: Callable[[T], None], undo: list[Callable[[], None]]
) -> None:
    """
    Run *work* to its end, or not at all.

    Signals that come while it runs are noted, and answered when it has ended: Ctrl-C, say, raises
    its `KeyboardInterrupt` then.

    Args:
        prepare: What may stop half-way, and returns what *work* needs.

        work: What must not stop half-way.

        undo: Holds one function that takes back what was done, for the case that *work* does not
            begin. It is let go when that does.

    Raises:
        BaseException: What *prepare* or *work* raised, or the interrupt.
    """
    signals = _Signals()
    try:
        prepared = prepare()
        signals.hold()
        undo.clear()
        work(prepared)
    except BaseException:
        signals.hold()  # an interrupt may have come before all were held
        for take_back in undo:
            take_back()
        raise
    finally:
        signals.release()


class _Signals:
    """All signals that Python answers, and those of them that came while they were held."""

    def __init__(self) -> None:
        self._answers: dict[int, Callable[[int, FrameType | None], object]] = {}
        self._came: list[tuple[int, FrameType | None]] = []

    def hold(self) -> None:
        """Note signals from now on; Python answers them in the main thread, and in no other."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in signal.valid_signals():
            answer = signal.getsignal(number)
            if callable(answer) and number not in self._answers:
                self._answers[number] = answer
                signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._came.append((number, frame))

    def release(self) -> None:
        """Let signals be answered as before, and answer those that came."""
        for number, answer in self._answers.items():
            signal.signal(number, answer)
        for number, frame in self._came:
            self._answers[number](number, frame)
