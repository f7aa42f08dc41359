"""Where the trials of a study are kept."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Self

from ..errors import StudyError


if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from ..sampling import TrialRecord
    from .header import StudyHeader

__all__ = ["TrialStore", "ended_already"]


def ended_already(record: TrialRecord) -> StudyError:
    """Return what a store raises where a trial that has ended is to be changed."""
    return StudyError(
        f"Trial {record.number} has ended already ({record.state.value}); what it gave can't be "
        f"changed."
    )


class TrialStore(abc.ABC):
    """
    Keeps the trials of studies, for one process or for many.

    A trial is numbered from 0 in the order in which it was added, and never taken away. What one
    process finished, no other may change. `espalier.testing.TrialStoreContract` checks this.

    The attribute ``owner`` of a running trial says who runs it, as `Owner` names it.
    """

    #: Where it is, for messages.
    place: str

    @classmethod
    @abc.abstractmethod
    def at(cls, url: str) -> Self:
        """
        Open the store at *url*, or make it.

        Raises:
            StoreError: If it can't be reached, is locked or damaged, or is something else.
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
    def add_next(self, record: TrialRecord, number: int) -> bool:
        """
        Keep a new trial as *number*; ``False`` if there are more or fewer trials before it.

        So whoever adds a trial has seen all others, and two processes never begin the same one.

        Args:
            record: As in `add`.

            number: How many trials the caller has seen.
        """

    @abc.abstractmethod
    def claim(self, number: int, owner: str) -> bool:
        """Let *owner* run a trial that waits; ``False`` if another was faster."""

    @abc.abstractmethod
    def report(self, number: int, step: int, value: float) -> None:
        """
        Keep what a running trial reported on its way.

        Raises:
            StudyError: If it had ended already.
        """

    @abc.abstractmethod
    def finish(self, record: TrialRecord, retry: TrialRecord | None = None) -> None:
        """
        Keep how a trial ended: its state, metrics, reason and time; its steps are known.

        Args:
            record: The trial, with the number it was given.

            retry: A new trial to keep with it: either both are kept or none is.

        Raises:
            StudyError: If it had ended already. Nothing changes then.
        """

    @abc.abstractmethod
    def trials(self) -> Sequence[TrialRecord]:
        """Return all trials, of every process, in the order of their numbers."""

    @abc.abstractmethod
    def beat(self, numbers: Sequence[int]) -> None:
        """Say that this process still runs these trials."""

    @abc.abstractmethod
    def stale(self) -> list[int]:
        """Return the running trials whose owner is gone, as `is_gone` says."""

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
