"""Where the trials of a study are kept."""

from __future__ import annotations

import abc
import os
import socket
from typing import TYPE_CHECKING, Self


if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from ..sampling import TrialRecord
    from .header import StudyHeader

__all__ = ["TrialStore", "is_alive", "this_process"]


class TrialStore(abc.ABC):
    """
    Keeps the trials of studies, for one process or for many.

    A trial is numbered from 0 in the order in which it was begun, and never taken away. What one
    process finished, no other may change. `espalier.testing.TrialStoreContract` checks this.

    The attribute ``owner`` of a running trial says which process runs it, as `this_process` does.
    """

    #: Where it is, for messages.
    place: str

    @classmethod
    @abc.abstractmethod
    def at(cls, url: str) -> Self:
        """
        Open the store at *url*, or make it.

        Raises:
            StoreError: If it can't be reached, is locked or damaged.
        """

    @abc.abstractmethod
    def open(self, header: StudyHeader) -> None:
        """
        Go on with the study that *header* describes, or begin it.

        Raises:
            StudyError: If another study of that name is there, naming what differs.

            StoreError: If the store can't be read or written.
        """

    @abc.abstractmethod
    def headers(self) -> list[StudyHeader]:
        """Return what studies there are."""

    @abc.abstractmethod
    def add(self, record: TrialRecord) -> int:
        """
        Keep a new trial, whose number is not read, and return the number it gets.

        Args:
            record: A trial in any state. One that is `TrialState.WAITING` may be claimed.
        """

    @abc.abstractmethod
    def claim(self, number: int, owner: str) -> bool:
        """Let *owner* run a trial that waits; ``False`` if another process was faster."""

    @abc.abstractmethod
    def report(self, number: int, step: int, value: float) -> None:
        """Keep what a running trial reported on its way."""

    @abc.abstractmethod
    def finish(self, record: TrialRecord) -> None:
        """
        Keep how a trial ended: its state, metrics, reason and time.

        Raises:
            StudyError: If it had ended already.
        """

    @abc.abstractmethod
    def trials(self) -> Sequence[TrialRecord]:
        """Return all trials, of every process, in the order of their numbers."""

    @abc.abstractmethod
    def beat(self, numbers: Sequence[int]) -> None:
        """Say that this process still runs these trials."""

    @abc.abstractmethod
    def stale(self) -> list[int]:
        """Return the running trials whose process is gone."""

    def close(self) -> None:  # noqa: B027, not every store holds something open
        """Let go of what is held open; the store can't be used any more."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def this_process() -> str:
    """Return a name of this process that no other has: machine, number and time of birth."""
    return f"{socket.gethostname()}/{os.getpid()}/{_born(os.getpid())}"


def is_alive(owner: str) -> bool | None:
    """
    Return whether the process *owner* still runs; ``None`` if it is on another machine.

    Args:
        owner: What `this_process` returned there.
    """
    host, _, rest = owner.rpartition("/")[0].rpartition("/")
    number, born = rest, owner.rpartition("/")[2]
    if host != socket.gethostname() or not number.isdigit():
        return None
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    now = _born(int(number))
    return not born or not now or born == now


def _born(number: int) -> str:
    """Return when a process began, as the system counts it; empty where it does not tell."""
    try:
        with open(f"/proc/{number}/stat", encoding="ascii") as file:  # noqa: PTH123 - no path to handle
            return file.read().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
