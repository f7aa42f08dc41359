"""A process that runs trials, seen from both of its ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
import traceback
from multiprocessing.connection import wait as wait_for
from multiprocessing.reduction import ForkingPickler
from typing import TYPE_CHECKING, Any, final

from ..errors import StudyError
from .objective import Outcome, outcome_of
from .trial import Trial


if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnContext

    from .executor import Job, OnReport

__all__ = ["Worker", "work"]

#: How long a worker may take to end by itself, in seconds.
_FAREWELL_S = 1.0


@final
class Worker:
    """
    One worker process, as the study sees it.

    Args:
        context: How processes are started.

        objective: What it judges trials with, pickled.

        metrics: The names of its results.

    Attributes:
        job: What it runs; ``None`` if it is idle.

        is_ready: Whether it began to work.

        trouble: Why it can't, as Python prints it.
    """

    def __init__(self, context: SpawnContext, objective: bytes, metrics: Sequence[str]) -> None:
        self.job: Job | None = None
        self.is_ready = False
        self.trouble = ""
        self._since = time.monotonic()
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=work, args=(theirs, objective, tuple(metrics)), name="espalier-worker"
        )
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid or 0

    @property
    def handles(self) -> list[Any]:
        """What becomes ready when the worker says something, or ends."""
        return [self._pipe, self._process.sentinel]

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.is_alive()

    @property
    def busy_s(self) -> float:
        """How long its trial has been running; its start does not count."""
        return time.monotonic() - self._since if self.is_ready else 0.0

    @property
    def was_killed(self) -> bool:
        """Whether a signal ended it."""
        return (self._process.exitcode or 0) < 0

    @property
    def death(self) -> str:
        """How it ended, for messages."""
        code = self._process.exitcode
        if code is not None and code < 0:
            try:
                name = signal.Signals(-code).name
            except ValueError:
                name = f"signal {-code}"
            return f"was killed by {name}"
        return f"ended with exit code {code}"

    def give(self, job: Job) -> bool:
        """
        Have a trial run; ``False`` if the worker is gone.

        Raises:
            StudyError: If the configuration can't be sent.
        """
        try:
            self._pipe.send(job)
        except (BrokenPipeError, ConnectionError):
            return False
        except Exception as error:
            raise StudyError(
                f"the configuration {dict(job.config)!r} can't be sent to a worker process: "
                f"{error}. Offer names as choices, and look the objects up by them; or run with "
                f"workers=1."
            ) from error
        self.job, self._since = job, time.monotonic()
        return True

    def heard(self, on_report: OnReport) -> Outcome | None:
        """Hear all that it has said; return how its trial ended, if it did."""
        try:
            while self._pipe.poll():
                word, *said = self._pipe.recv()
                if word == "done":
                    outcome: Outcome = said[0]
                    return outcome
                if word == "report":
                    self._pipe.send(on_report(*said))
                elif word == "trouble":
                    self.trouble = said[0]
                else:
                    self.is_ready, self._since = True, time.monotonic()
        except (EOFError, OSError):
            # It ended in the middle of a word.
            return None
        return None

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def end(self) -> None:
        """End it, and leave nothing of it behind."""
        self._pipe.close()
        self._process.join(_FAREWELL_S)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join(_FAREWELL_S)
        if self._process.is_alive():
            self._process.kill()
        self._process.join()
        # `death` is still asked for, so the process is not closed.


def work(pipe: Connection, objective: bytes, metrics: Sequence[str]) -> None:
    """
    Run trials until the study's process closes the pipe, or ends.

    Args:
        pipe: Brings jobs and answers; takes reports and outcomes.

        objective: What judges trials, pickled.

        metrics: The names of its results.
    """
    # Ctrl-C is for the process that runs the study; it ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="espalier-parent", daemon=True).start()
    try:
        judge = ForkingPickler.loads(objective)  # what the process that started us wrote
    except Exception:  # noqa: BLE001 - reading an object may raise anything
        pipe.send(("trouble", traceback.format_exc()))
        return
    pipe.send(("ready",))
    while True:
        try:
            job: Job = pipe.recv()
        except (EOFError, OSError):
            return
        pipe.send(("done", _run(pipe, judge, job, metrics)))


def _run(pipe: Connection, judge: Any, job: Job, metrics: Sequence[str]) -> Outcome:
    def tell(step: int, value: float) -> bool:
        pipe.send(("report", job.number, step, value))
        return bool(pipe.recv())

    return outcome_of(judge, Trial(job.number, job.config, tell, job.attempt), metrics)


def _end_with_parent() -> None:
    """End this process when the one that started it does; nobody waits for its results then."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)
