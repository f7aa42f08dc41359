"""What a sampler knows of its trials."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Self, final

from ..domains.bounds import is_integer
from ..errors import SamplerError


if TYPE_CHECKING:
    from .record import TrialRecord

__all__ = ["Ledger", "Turn"]


@final
class Turn:
    """A lock for one thread at a time, of which a copy is another lock."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return type(self)()

    def __reduce__(self) -> tuple[type[Self], tuple[()]]:
        return type(self), ()


@final
class Ledger:
    """
    The trials of a sampler, in the order of their numbers, and which of them are open.

    Putting a trial down, and looking one up, take the same time however many there are.
    """

    def __init__(self) -> None:
        self.next_id = 0
        self._records: dict[int, TrialRecord] = {}
        self._open: dict[int, TrialRecord] = {}
        self._dropped: set[int] = set()

    @property
    def records(self) -> tuple[TrialRecord, ...]:
        """All trials that were not dropped."""
        return tuple(self._records.values())

    @property
    def pending(self) -> tuple[TrialRecord, ...]:
        """Those that have not ended."""
        return tuple(self._open[number] for number in sorted(self._open))

    def put(self, record: TrialRecord) -> None:
        """Note a trial, or how it stands now."""
        number = record.number
        late = number not in self._records and number < self.next_id
        self._records[number] = record
        if record.state.is_finished:
            self._open.pop(number, None)
        else:
            self._open[number] = record
        self.next_id = max(self.next_id, number + 1)
        if late:
            self._records = {key: self._records[key] for key in sorted(self._records)}

    def drop(self, number: int) -> None:
        """Note that a trial is none."""
        del self._records[number]
        self._open.pop(number, None)
        self._dropped.add(number)

    def forget(self, number: int, next_id: int) -> None:
        """Take a trial away as if it had never been put down, when *next_id* was the next."""
        self._records.pop(number, None)
        self._open.pop(number, None)
        self.next_id = next_id

    def number_for(self, wanted: int | None) -> int:
        """Return *wanted* if no trial has that number, or else the next."""
        if wanted is None or wanted in self._records or wanted in self._dropped:
            return self.next_id
        return wanted

    def running(self, trial_id: object) -> TrialRecord:
        """
        Return a trial that has not ended.

        Raises:
            SamplerError: If there is no such trial, it was dropped, or it is finished.
        """
        if not is_integer(trial_id):
            raise SamplerError(f"a trial's number must be an integer, got {trial_id!r}.")
        record = self._records.get(trial_id)  # type: ignore[call-overload]
        if record is None:
            why = "was dropped" if trial_id in self._dropped else "was never sampled"
            raise SamplerError(
                f"Trial {trial_id} {why}, so there is nothing to update; the sampler knows of "
                f"{len(self._records)} trials, the next is {self.next_id}."
            )
        if record.state.is_finished:
            raise SamplerError(
                f"Trial {trial_id} is finished ({record.state.value}); it can't be updated again."
            )
        return record
