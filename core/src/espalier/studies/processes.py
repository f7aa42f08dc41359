"""Run trials in worker processes."""

from __future__ import annotations

import multiprocessing
import time
from multiprocessing.connection import wait as wait_for
from multiprocessing.reduction import ForkingPickler
from typing import TYPE_CHECKING, final

import structlog

from ..errors import StudyError
from ..sampling import TrialState
from .executor import Executor, Job, OnReport
from .objective import Outcome
from .worker import Worker


if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .objective import Objective

__all__ = ["Processes"]

log = structlog.get_logger()

#: How often workers are asked whether they live, in seconds: a child of a dead one can keep its
#: pipe open.
_ASK_S = 0.5


@final
class Processes(Executor):
    """
    Runs trials in processes of this machine; one that is killed costs its trial alone.

    Workers are started when they are first needed, each with an interpreter of its own, and end
    with this process, however it ends.

    Args:
        objective: Judges each trial. It is sent to the workers, so it must be a function at the
            top of a module, or an object that can be pickled.

        metrics: The names of its results, in order.

        workers: How many processes.

        timeout_s: After how many seconds a trial is ended and has failed; ``None`` for never.

    Raises:
        StudyError: If the objective can't be sent.
    """

    def __init__(
        self,
        objective: Objective,
        metrics: Sequence[str],
        workers: int = 1,
        timeout_s: float | None = None,
    ) -> None:
        super().__init__(objective, metrics, workers)
        self._sent = _sendable(objective)
        self._timeout_s = timeout_s
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[Worker] = []
        self._is_ready = False

    @property
    def pids(self) -> list[int]:
        """The numbers of the processes."""
        return [worker.pid for worker in self._workers]

    def start(self, job: Job) -> None:
        idle = next((worker for worker in self._workers if worker.job is None), None)
        if idle is not None and not idle.give(job):
            # It was killed while it had nothing to do.
            self._drop(idle)
            idle = None
        if idle is None:
            idle = Worker(self._context, self._sent, self.metrics)
            self._workers.append(idle)
            idle.give(job)

    def wait(self, on_report: OnReport, seconds: float) -> Iterator[tuple[int, Outcome]]:
        ends = time.monotonic() + seconds
        while True:
            busy = [worker for worker in self._workers if worker.job is not None]
            if not busy:
                return
            left = max(0.0, min(_ASK_S, ends - time.monotonic()))
            wait_for([handle for worker in busy for handle in worker.handles], left)
            ended = [found for worker in busy if (found := self._look_at(worker, on_report))]
            yield from ended
            if ended or time.monotonic() >= ends:
                return

    def _look_at(self, worker: Worker, on_report: OnReport) -> tuple[int, Outcome] | None:
        """Hear what a worker says; return how its trial ended if it did."""
        job = worker.job
        if job is None:
            return None
        # Asked first: what it said before it ended is heard then.
        is_alive = worker.is_alive
        outcome = worker.heard(on_report)
        self._is_ready = self._is_ready or worker.is_ready
        if outcome is not None:
            worker.job = None
            if not is_alive:
                self._drop(worker)
            return job.number, outcome
        if not is_alive:
            self._drop(worker)
            if not worker.is_ready:
                self._refuse_start(worker)
            return job.number, _killed(worker)
        if self._timeout_s is not None and worker.busy_s > self._timeout_s:
            worker.kill()
            self._drop(worker)
            reason = f"took longer than {self._timeout_s:g} s"
            return job.number, Outcome(TrialState.FAILED, reason=reason)
        return None

    def _refuse_start(self, worker: Worker) -> None:
        """
        Refuse to go on with workers of which none ever began to work.

        One that was killed while it started is no such case.
        """
        if worker.trouble:
            raise StudyError(
                f"the objective can't be read in a worker process. {_WAY_OUT}\n{worker.trouble}"
            )
        if not self._is_ready and not worker.was_killed:
            raise StudyError(
                f"a worker process {worker.death} before it began to work; what it wrote is "
                "above. A script that runs a study with workers must do so under "
                "`if __name__ == '__main__':`."
            )

    def _drop(self, worker: Worker) -> None:
        self._workers.remove(worker)
        worker.end()

    def abandon(self) -> None:
        for worker in [one for one in self._workers if one.job is not None]:
            worker.kill()
            self._drop(worker)

    def close(self) -> None:
        self.abandon()
        for worker in list(self._workers):
            self._drop(worker)


def _killed(worker: Worker) -> Outcome:
    reason = f"its worker process {worker.death}"
    return Outcome(TrialState.FAILED, reason=reason, killed=True)


_WAY_OUT = (
    "Define it at the top of a module that can be imported, not inside a function or in an "
    "interactive session, and give it what it needs with functools.partial; or run it in this "
    "process, with workers=1."
)


def _sendable(objective: Objective) -> bytes:
    """Return the objective as it is sent to workers."""
    try:
        return bytes(ForkingPickler.dumps(objective))
    except Exception as error:  # pickle raises whatever an object raises
        raise StudyError(
            f"the objective {objective!r} can't be sent to worker processes: {error}. {_WAY_OUT}"
        ) from error
