"""A progress bar, where rich is installed."""

from __future__ import annotations

from typing import Any

from ..terminal import terminal


class Progress:
    """
    Shows how many configurations were scored.

    Args:
        enabled: Whether to show anything.
    """

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        self._bar: Any = None
        self._task: Any = None
        self._best = float("-inf")

    def start(self, total: int | None) -> None:
        """Show the bar with *total* steps; ``None`` if nobody knows."""
        console = terminal() if self._enabled else None
        if console is None:
            return
        from rich.progress import Progress as Bar
        from rich.progress import TextColumn, TimeRemainingColumn

        columns = (
            *Bar.get_default_columns()[:-1],
            TimeRemainingColumn(),
            TextColumn("{task.completed} scored, {task.fields[best]}"),
        )
        self._bar = Bar(*columns, console=console, transient=True)
        self._task = self._bar.add_task("search", total=total, best="")
        self._bar.start()

    @property
    def is_shown(self) -> bool:
        """Whether there is a bar to see."""
        return self._bar is not None

    def advance(self, score: float) -> None:
        """Count one more configuration with its *score*."""
        if self._bar is not None:
            self._best = max(self._best, score) if score == score else self._best  # noqa: PLR0124
            self._bar.update(self._task, advance=1, best=f"best {self._best:.4g}")

    def stop(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
