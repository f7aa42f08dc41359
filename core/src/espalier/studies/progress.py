"""A progress bar of a study, where rich is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, final

from .best import best_of


if TYPE_CHECKING:
    from ..sampling import TrialRecord
    from .running import Plan
    from .study import Study

__all__ = ["StudyProgress"]


@final
class StudyProgress:
    """
    Shows how many trials ended, and the best.

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

    def __enter__(self) -> Self:
        if self._plan.progress:
            self._show()
        return self

    def _show(self) -> None:
        try:
            from rich.console import Console
            from rich.progress import Progress, TextColumn
        except ImportError:  # rich comes with the extra `cli`
            return
        console = Console(stderr=True)
        if not console.is_terminal:
            return
        columns = (
            *Progress.get_default_columns(),
            TextColumn("{task.completed} trials, {task.fields[best]}"),
        )
        self._bar = Progress(*columns, console=console, transient=True)
        done = sum(record.state.is_finished for record in self._study.trials)
        self._task = self._bar.add_task(
            self._study.name, total=self._plan.trials, completed=done, best=""
        )
        self._bar.start()

    def advance(self, record: TrialRecord) -> None:
        """Count one more trial that ended."""
        if self._bar is None:
            return
        metrics, bounds = self._study.metrics, self._study.constraints
        first = next(iter(metrics))
        known = [one for one in (self._best, record) if one is not None]
        self._best = best_of(known, metrics, bounds, first)
        told = "" if self._best is None else f"best {first} {self._best.metrics[first]:.4g}"
        self._bar.update(self._task, advance=1, best=told)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
