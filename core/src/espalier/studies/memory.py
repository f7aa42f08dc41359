"""A store that lasts as long as its process."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self, final

import attrs

from ..errors import StudyError
from ..sampling import TrialRecord, TrialState
from .store import TrialStore


if TYPE_CHECKING:
    from collections.abc import Sequence

    from .header import StudyHeader

__all__ = ["MemoryStore"]


@final
class MemoryStore(TrialStore):
    """Keeps trials in memory; it ends with the process."""

    place = "memory"

    def __init__(self) -> None:
        self._studies: dict[str, tuple[StudyHeader, list[TrialRecord]]] = {}
        self._trials: list[TrialRecord] = []
        self._lock = threading.RLock()

    @classmethod
    def at(cls, url: str) -> Self:
        del url
        return cls()

    def open(self, header: StudyHeader) -> None:
        kept, trials = self._studies.setdefault(header.name, (header, []))
        header.require_same(kept, self.place)
        self._trials = trials

    def headers(self) -> list[StudyHeader]:
        return [header for header, _ in self._studies.values()]

    def add(self, record: TrialRecord) -> int:
        with self._lock:
            number = len(self._trials)
            self._trials.append(attrs.evolve(record, number=number))
            return number

    def claim(self, number: int, owner: str) -> bool:
        with self._lock:
            record = self._trials[number]
            if record.state is not TrialState.WAITING:
                return False
            noted = {**record.attrs, "owner": owner}
            self._trials[number] = attrs.evolve(record, state=TrialState.RUNNING, attrs=noted)
            return True

    def report(self, number: int, step: int, value: float) -> None:
        with self._lock:
            record = self._trials[number]
            self._trials[number] = attrs.evolve(record, steps={**record.steps, step: value})

    def finish(self, record: TrialRecord) -> None:
        with self._lock:
            kept = self._trials[record.number]
            if kept.state.is_finished:
                raise StudyError(
                    f"Trial {record.number} has ended already ({kept.state.value}); what it gave "
                    f"can't be changed."
                )
            steps = {**kept.steps, **record.steps}
            self._trials[record.number] = attrs.evolve(record, steps=steps, attrs=kept.attrs)

    def trials(self) -> Sequence[TrialRecord]:
        with self._lock:
            return tuple(self._trials)

    def beat(self, numbers: Sequence[int]) -> None:
        """Do nothing: there is no other process to tell."""

    def stale(self) -> list[int]:
        """Return nothing: what this process runs is not gone."""
        return []
