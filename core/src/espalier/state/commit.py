"""Do something whole or not at all, whenever somebody interrupts."""

from __future__ import annotations

import concurrent.futures
import contextlib
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future


def commit(work: Callable[[], None], undo: list[Callable[[], None]]) -> None:
    """
    Run *work* to its end, or not at all.

    It runs in a thread: Python raises an interrupt in the main thread only, which waits, and
    passes it on afterwards.

    Args:
        work: What must not stop half-way.

        undo: Holds one function that takes back what was done before, for the case that *work*
            does not begin. It is taken out and let go when it does.

    Raises:
        BaseException: What *work* raised, or the interrupt.
    """

    def begin() -> None:
        # Taking it out can be done once: either here, or below.
        try:
            undo.pop()
        except IndexError:
            return
        work()

    pool = concurrent.futures.ThreadPoolExecutor(1, "espalier-commit")
    running: list[Future[None]] = []
    try:
        running.append(pool.submit(begin))
        running[0].result()
    except BaseException:
        try:
            take_back = undo.pop()
        except IndexError:
            _wait(pool)
        else:
            take_back()
        raise
    finally:
        pool.shutdown(wait=False)


def _wait(pool: concurrent.futures.ThreadPoolExecutor) -> None:
    """Wait until the thread of *pool* has nothing left to do, however impatient somebody is."""
    done = False
    while not done:
        with contextlib.suppress(BaseException):
            pool.shutdown(wait=True)
            done = True
