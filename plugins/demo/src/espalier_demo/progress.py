"""A progress bar for training."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console


@contextlib.contextmanager
def bar(console: Console, title: str, steps: int, *, quiet: bool) -> Iterator[Callable[[], None]]:
    """
    Show a bar and give the function that moves it by one step.

    Args:
        console: Where to show it.

        title: What stands before it.

        steps: How many there are.

        quiet: Whether to show nothing.
    """
    columns = (*Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=quiet) as progress:
        task = progress.add_task(title, total=steps)
        yield lambda: progress.advance(task)
