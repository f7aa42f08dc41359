"""Where trials are run: in this process, or elsewhere."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self, TypeAlias, final

import attrs

from .objective import Objective, Outcome, outcome_of
from .trial import Trial


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Executor", "InProcess", "Job", "OnReport"]

#: Hears the trial's number, the step and the value; returns whether the trial is to stop.
OnReport: TypeAlias = Callable[[int, int, float], bool]


@final
@attrs.frozen
class Job:
    """
    A trial to run.

    Args:
        number: Which one it is.

        config: Its configuration.

        attempt: How often it was tried before.
    """

    number: int
    config: Mapping[str, Any]
    attempt: int = 0


class Executor(abc.ABC):
    """
    Runs trials, several at a time if it has several workers.

    Args:
        objective: Judges each trial.

        metrics: The names of its results, in order.

        workers: How many trials run at a time.
    """

    def __init__(self, objective: Objective, metrics: Sequence[str], workers: int = 1) -> None:
        self.objective = objective
        self.metrics = tuple(metrics)
        self.workers = workers

    @abc.abstractmethod
    def start(self, job: Job) -> None:
        """Begin a trial; there are never more under way than there are workers."""

    @abc.abstractmethod
    def wait(self, on_report: OnReport, seconds: float) -> Iterator[tuple[int, Outcome]]:
        """
        Yield trials that ended: their numbers and how.

        Args:
            on_report: Hears of each report.

            seconds: How long to wait for the first of them at most.
        """

    def abandon(self) -> None:  # noqa: B027, not every executor has something under way
        """Forget the trials that are under way, and end them if that can be done."""

    def close(self) -> None:
        """Let go of what is held; the executor can't be used any more."""
        self.abandon()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@final
class InProcess(Executor):
    """Runs one trial at a time, in this process."""

    def __init__(self, objective: Objective, metrics: Sequence[str]) -> None:
        super().__init__(objective, metrics)
        self._jobs: list[Job] = []

    def start(self, job: Job) -> None:
        self._jobs.append(job)

    def wait(self, on_report: OnReport, seconds: float) -> Iterator[tuple[int, Outcome]]:
        del seconds
        while self._jobs:
            job = self._jobs.pop(0)
            trial = Trial(
                job.number,
                job.config,
                lambda step, value, number=job.number: on_report(number, step, value),  # type: ignore[misc]
                job.attempt,
            )
            yield job.number, outcome_of(self.objective, trial, self.metrics)

    def abandon(self) -> None:
        self._jobs.clear()
