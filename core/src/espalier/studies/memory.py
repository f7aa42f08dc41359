"""A store that lasts as long as its process."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self, final

import attrs

from ..errors import StoreError
from ..sampling import TrialRecord, TrialState
from .owners import gone_among
from .store import TrialStore, ended_already


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
        self._trials: list[TrialRecord] | None = None
        self._beats: dict[int, float] = {}
        self._ended = 0
        self._lock = threading.RLock()

    @classmethod
    def at(cls, url: str) -> Self:
        del url
        return cls()

    def open(self, header: StudyHeader) -> None:
        with self._lock:
            kept, trials = self._studies.get(header.name, (header, []))
            header.require_same(kept, self.place)
            self._studies[header.name] = kept, trials
            self._trials, self._beats, self._ended = trials, {}, 0

    def headers(self) -> list[StudyHeader]:
        return [header for header, _ in self._studies.values()]

    @property
    def _kept(self) -> list[TrialRecord]:
        if self._trials is None:
            raise StoreError("no study is open in memory yet; call open() first.")
        return self._trials

    def add(self, record: TrialRecord) -> int:
        with self._lock:
            number = len(self._kept)
            self._kept.append(record.own(number))
            return number

    def add_next(self, record: TrialRecord, number: int) -> bool:
        with self._lock:
            if number != len(self._kept):
                return False
            self.add(record)
            return True

    def claim(self, number: int, owner: str) -> bool:
        with self._lock:
            record = self._kept[number]
            if record.state is not TrialState.WAITING:
                return False
            noted = {**record.attrs, "owner": owner}
            self._kept[number] = attrs.evolve(
                record, state=TrialState.RUNNING, started=time.time(), attrs=noted
            )
            return True

    def report(self, number: int, step: int, value: float) -> None:
        with self._lock:
            record = self._open(number)
            steps = dict(sorted({**record.steps, step: value}.items()))
            self._kept[number] = attrs.evolve(record, steps=steps)

    def finish(self, record: TrialRecord, retry: TrialRecord | None = None) -> None:
        with self._lock:
            kept = self._open(record.number)
            self._kept[record.number] = attrs.evolve(
                kept,
                state=record.state,
                metrics=dict(record.metrics),
                reason=record.reason,
                finished=record.finished,
            )
            if retry is not None:
                self.add(retry)

    def _open(self, number: int) -> TrialRecord:
        record = self._kept[number]
        if record.state.is_finished:
            raise ended_already(record)
        return record

    def trials(self) -> Sequence[TrialRecord]:
        with self._lock:
            return tuple(self._kept)

    def beat(self, numbers: Sequence[int]) -> None:
        self._beats.update(dict.fromkeys(numbers, time.time()))

    def stale(self) -> list[int]:
        with self._lock:
            kept = self._kept
            # Those that ended before are not looked at again.
            while self._ended < len(kept) and kept[self._ended].state.is_finished:
                self._ended += 1
            records = kept[self._ended :]
        return gone_among(records, lambda one: self._beats.get(one.number, one.started))
