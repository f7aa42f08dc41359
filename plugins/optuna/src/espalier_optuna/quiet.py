"""Keep Optuna from writing to the terminal what our own log says already."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import optuna


if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["quiet"]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hear nothing of Optuna below a warning for a while."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(max(verbosity, optuna.logging.WARNING))
    try:
        yield
    finally:
        optuna.logging.set_verbosity(verbosity)
