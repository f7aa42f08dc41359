"""Keep trials in a database, as Optuna does."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self, final

import attrs
from optuna.trial import TrialState as OptunaState
from sqlalchemy import Connection, delete, func, insert, select, update

from espalier.errors import StoreError
from espalier.sampling import TrialRecord, TrialState
from espalier.studies import StudyHeader, ended_already

from .cache import Cache
from .cached_store import CachedStore
from .database import Database
from .rows import Translation, moment, seconds
from .studies_table import begin_study, check_adopted, find_headers, find_study, mark_study
from .tables import (
    HEARTBEATS,
    STUDIES,
    TRIALS,
    USER_ATTRS,
    count_after,
    end_trial,
    fetch_rows,
    insert_attrs,
    insert_step,
    insert_trial,
)


if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["OptunaStore"]


@final
class OptunaStore(CachedStore):
    """
    Keeps trials in a database with Optuna's tables, so that Optuna's tools open any study.

    Each step is one transaction. What this process wrote is remembered; what others wrote is read
    when it changed. A study that Optuna made is gone on with if its trials fit.

    Args:
        database: Where.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database.place)
        self._db = database
        self._version: int | None = None

    @classmethod
    def at(cls, url: str) -> Self:
        return cls(Database(url))

    def close(self) -> None:
        self._db.close()

    def open(self, header: StudyHeader) -> None:
        way = Translation(header)
        with self._lock:
            found = self._db.read(lambda c: find_study(c, header.name))
            kept = None if found is None else found[1]
            if found is None or kept is None:
                study_id, kept = self._db.write(lambda c: self._begun(c, header, way))
            else:
                study_id = found[0]
            header.require_same(kept, self.place)
            self._study_id, self._way, self._cache = study_id, way, Cache()
            self._version = None

    def _begun(
        self, c: Connection, header: StudyHeader, way: Translation
    ) -> tuple[int, StudyHeader]:
        """Write a new study, or make one of Optuna's ours; another process may be faster."""
        found = find_study(c, header.name)
        if found is None:
            return begin_study(c, header), header
        study_id, kept = found
        if kept is not None:
            return study_id, kept
        check_adopted(c, study_id, header, self.place, way)
        mark_study(c, study_id, header)
        return study_id, header

    def headers(self) -> list[StudyHeader]:
        return self._db.read(find_headers)

    # --- Writing. -------------------------------------------------------------------------------

    def add(self, record: TrialRecord) -> int:
        added = self._add(record, None)
        return -1 if added is None else added

    def add_next(self, record: TrialRecord, number: int) -> bool:
        return self._add(record, number) is not None

    def _add(self, record: TrialRecord, expected: int | None) -> int | None:
        way = self._translation

        def work(c: Connection) -> tuple[int, int, bool] | None:
            number, alone = self._next(c)
            if expected is not None and number != expected:
                return None
            return insert_trial(c, self._study_id, number, record, way), number, alone

        with self._lock:
            added = self._db.write(work)
            if added is None:
                return None
            trial_id, number, alone = added
            self._added(trial_id, record.own(number), alone=alone)
            return number

    def _next(self, c: Connection) -> tuple[int, bool]:
        """Return the number of the next trial, and whether all before it are known."""
        if not self._db.is_file:
            # SQLite lets one write at a time; others have to be told to wait.
            table = STUDIES.c
            query = select(table.study_id).where(table.study_id == self._study_id)
            c.execute(query.with_for_update())
        new = count_after(c, self._study_id, self._cache.last)
        return len(self._cache.records) + new, not new

    def _added(self, trial_id: int, record: TrialRecord, *, alone: bool) -> None:
        if alone:
            self._cache.put(trial_id, record)
        else:
            self._version = None

    def claim(self, number: int, owner: str) -> bool:
        with self._lock:
            record, trial_id = self._known(number)
            began = self._db.write(lambda c: _claim(c, trial_id, owner))
            if began is None:
                self._version = None
                return False
            noted = {**record.attrs, "owner": owner}
            self._cache.put(
                trial_id,
                attrs.evolve(record, state=TrialState.RUNNING, started=began, attrs=noted),
            )
            return True

    def report(self, number: int, step: int, value: float) -> None:
        def work(c: Connection) -> bool:
            if _state(c, trial_id).is_finished():
                return False
            insert_step(c, trial_id, step, value)
            return True

        with self._lock:
            record, trial_id = self._known(number)
            if not self._db.write(work):
                self._refuse(number)
            steps = dict(sorted({**record.steps, step: value}.items()))
            self._cache.put(trial_id, attrs.evolve(record, steps=steps))

    def finish(self, record: TrialRecord, retry: TrialRecord | None = None) -> None:
        way, number = self._translation, record.number

        def work(c: Connection) -> tuple[int, int, bool] | None:
            if not end_trial(c, trial_id, record, way):
                return None
            if retry is None:
                return 0, 0, True
            after, alone = self._next(c)
            return insert_trial(c, self._study_id, after, retry, way), after, alone

        with self._lock:
            kept, trial_id = self._known(number)
            done = self._db.write(work)
            if done is None:
                self._refuse(number)
                return
            ended = attrs.evolve(
                kept,
                state=record.state,
                metrics=dict(record.metrics),
                reason=record.reason,
                finished=record.finished,
            )
            self._cache.put(trial_id, ended)
            if retry is not None:
                again, after, alone = done
                self._added(again, retry.own(after), alone=alone)

    def _known(self, number: int) -> tuple[TrialRecord, int]:
        """Return a trial, and its number among those of all studies."""
        if number >= len(self._cache.records):
            self.trials()
        try:
            return self._cache.records[number], self._cache.ids[number]
        except IndexError:
            raise StoreError(f"{self.place} has no trial {number}.") from None

    def _refuse(self, number: int) -> None:
        self._version = None
        raise ended_already(self.trials()[number])

    # --- Reading. -------------------------------------------------------------------------------

    def _refresh(self, way: Translation) -> None:
        version = self._db.version()
        if version is not None and version == self._version:
            return
        cache, study = self._cache, TRIALS.c.study_id == self._study_id
        watched = [cache.ids[number] for number in cache.open]

        def work(c: Connection) -> list[tuple[int, TrialRecord]]:
            rows = fetch_rows(c, study & TRIALS.c.trial_id.in_(watched)) if watched else []
            rows += fetch_rows(c, study & (TRIALS.c.trial_id > cache.last))
            return [(row.trial_id, way.record(row)) for row in rows]

        for trial_id, record in self._db.read(work):
            cache.put(trial_id, record)
        self._version = version

    # --- Signs of life. -------------------------------------------------------------------------

    def beat(self, numbers: Sequence[int]) -> None:
        with self._lock:
            ids = [self._known(number)[1] for number in numbers]
            row = HEARTBEATS.c
            now = update(HEARTBEATS).where(row.trial_id.in_(ids)).values(heartbeat=func.now())
            self._db.write(lambda c: c.execute(now))

    def _heard(self, record: TrialRecord) -> float | None:
        """Return when there was last a sign of life, by the clock of this machine."""
        trial_id = self._cache.ids[record.number]

        def work(c: Connection) -> float | None:
            row = HEARTBEATS.c
            last = c.execute(select(row.heartbeat).where(row.trial_id == trial_id)).scalar()
            now = c.execute(select(func.now())).scalar_one()
            if last is None:
                return None
            # The database's clock told both.
            ago = now.replace(tzinfo=None) - last.replace(tzinfo=None)
            return time.time() - ago.total_seconds()

        found = self._db.read(work)
        return record.started if found is None else found


def _state(c: Connection, trial_id: int) -> OptunaState:
    state: OptunaState = c.execute(
        select(TRIALS.c.state).where(TRIALS.c.trial_id == trial_id)
    ).scalar_one()
    return state


def _claim(c: Connection, trial_id: int, owner: str) -> float | None:
    """Let *owner* run a trial that waits, and return when it began; ``None`` if it ran already."""
    now = moment(time.time())
    row, noted = TRIALS.c, USER_ATTRS.c
    waits = (row.trial_id == trial_id) & (row.state == OptunaState.WAITING)
    new = update(TRIALS).where(waits).values(state=OptunaState.RUNNING, datetime_start=now)
    if not c.execute(new).rowcount:
        return None
    c.execute(delete(USER_ATTRS).where(noted.trial_id == trial_id, noted.key == "owner"))
    insert_attrs(c, USER_ATTRS, trial_id, {"owner": owner})
    c.execute(delete(HEARTBEATS).where(HEARTBEATS.c.trial_id == trial_id))
    c.execute(insert(HEARTBEATS), {"trial_id": trial_id})
    return seconds(now)
