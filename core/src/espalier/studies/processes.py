"""Run trials in worker processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from .executor import Executor, Job, OnReport


if TYPE_CHECKING:
    from collections.abc import Iterator

    from .objective import Outcome

__all__ = ["Processes"]


@final
class Processes(Executor):
    """Runs trials in processes of this machine; one that is killed costs its trial alone."""

    def start(self, job: Job) -> None:
        raise NotImplementedError

    def wait(self, on_report: OnReport, seconds: float) -> Iterator[tuple[int, Outcome]]:
        raise NotImplementedError
