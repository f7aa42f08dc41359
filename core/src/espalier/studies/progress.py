"""A progress bar of a study, where rich is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, final

import structlog

from ..sampling import TrialState
from ..terminal import terminal
from .best import best_of


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..sampling import TrialRecord
    from .plan import Plan
    from .study import Study

__all__ = ["StudyProgress"]

log = structlog.get_logger()

_LINE = "{task.fields[counts]}"


@final
class StudyProgress:
    """
    Shows how many trials ended, run and failed, the best, and how much time is left.

    It is silent where there is no terminal or no rich, and whatever goes wrong in it is logged:
    a study never ends for its display.

    Args:
        study: Whose trials they are.

        plan: How many there are to be.
    """

    def __init__(self, study: Study, plan: Plan) -> None:
        self._study = study
        self._plan = plan
        self._bar: Any = None
        self._task: Any = None
        self._best: TrialRecord | None = None
        self._running: set[int] = set()
        self._ended: set[int] = set()
        self._failed: set[int] = set()
        #: What is tried again, and counts once.
        self._again: set[int] = set()

    def __enter__(self) -> Self:
        if self._plan.progress:
            self._safely(self._show)
        return self

    def _show(self) -> None:
        console = terminal()
        if console is None:
            return
        from rich.progress import (
            BarColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        columns = (
            # A name is text, and no markup.
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TextColumn(_LINE, markup=False),
            TimeElapsedColumn(),
            TextColumn("left:"),
            TimeRemainingColumn(),
        )
        bar = Progress(*columns, console=console, transient=True)
        self._count(self._study.trials)
        self._task = bar.add_task(
            self._study.name, total=self._plan.trials, completed=self._done, counts=self._told()
        )
        bar.start()
        self._bar = bar

    def hear(self, records: Iterable[TrialRecord]) -> None:
        """Learn how trials stand, of this process or another; a trial may be told again."""
        if self._bar is not None:
            self._safely(lambda: self._update(records))

    def _update(self, records: Iterable[TrialRecord]) -> None:
        self._count(records)
        self._bar.update(self._task, completed=self._done, counts=self._told())

    def _count(self, records: Iterable[TrialRecord]) -> None:
        ended = []
        for record in records:
            number = record.number
            if "retry_of" in record.attrs:
                self._again.add(record.attrs["retry_of"])
            if record.state is TrialState.RUNNING and number not in self._ended:
                self._running.add(number)
            if record.state.is_finished and number not in self._ended:
                self._running.discard(number)
                self._ended.add(number)
                ended.append(record)
            if record.state is TrialState.FAILED:
                self._failed.add(number)
        metrics, bounds = self._study.metrics, self._study.constraints
        known = ended if self._best is None else [self._best, *ended]
        self._best = best_of(known, metrics, bounds, next(iter(metrics)))

    @property
    def _done(self) -> int:
        return len(self._ended - self._again)

    def _told(self) -> str:
        total = "" if self._plan.trials is None else f"/{self._plan.trials}"
        found = [f"{self._done}{total} done", f"{len(self._running)} running"]
        failed = len(self._failed - self._again)
        if failed:
            found.append(f"{failed} failed")
        if self._best is not None:
            first = next(iter(self._study.metrics))
            value = self._best.metrics[first]
            found.append(f"best {first} {value:.4g} (trial {self._best.number})")
        return ", ".join(found)

    def _safely(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - a broken terminal is no reason to stop
            log.warning("progress_dropped", reason=f"{type(error).__name__}: {error}")
            self._bar = None

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._safely(self._bar.stop)
            self._bar = None
