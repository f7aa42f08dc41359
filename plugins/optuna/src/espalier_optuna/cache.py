"""Remember the trials of a study that were read or written."""

from __future__ import annotations

from typing import TYPE_CHECKING, final


if TYPE_CHECKING:
    from espalier.sampling import TrialRecord

__all__ = ["Cache"]


@final
class Cache:
    """
    The trials that are known, in the order of their numbers.

    Attributes:
        records: What is known of each.

        ids: Their numbers among the trials of all studies.

        open: The numbers of those that have not ended.

        last: The largest of *ids*; -1 if there is none.
    """

    def __init__(self) -> None:
        self.records: list[TrialRecord] = []
        self.ids: list[int] = []
        self.open: set[int] = set()
        self.last = -1
        self._all: tuple[TrialRecord, ...] | None = None

    def put(self, trial_id: int, record: TrialRecord) -> None:
        """Remember how a trial stands; a new one is the next."""
        if record.number == len(self.records):
            self.records.append(record)
            self.ids.append(trial_id)
            self.last = max(self.last, trial_id)
        else:
            self.records[record.number] = record
        (self.open.discard if record.state.is_finished else self.open.add)(record.number)
        self._all = None

    def all(self) -> tuple[TrialRecord, ...]:
        """Return all trials."""
        if self._all is None:
            self._all = tuple(self.records)
        return self._all
