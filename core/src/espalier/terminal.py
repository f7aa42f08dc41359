"""Where progress is shown: a terminal that somebody looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["terminal"]


def terminal() -> Console | None:
    """Return the terminal that errors go to; ``None`` if there is none, or rich is missing."""
    try:
        from rich.console import Console
    except ImportError:  # rich comes with the extra `cli`
        return None
    console = Console(stderr=True)
    return console if console.is_terminal else None
