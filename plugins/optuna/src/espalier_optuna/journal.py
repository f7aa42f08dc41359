"""Keep trials in a file that only grows, as Optuna does."""

from __future__ import annotations

import datetime as dt
import json
import time
from typing import TYPE_CHECKING, Self, final

from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial
from optuna.trial import TrialState as OptunaState

from espalier.errors import StoreError
from espalier.sampling import TrialRecord, TrialState
from espalier.studies import StudyHeader, ended_already

from .adopting import check_adoptable, directions_of
from .cache import Cache
from .cached_store import CachedStore
from .logfile import LogFile
from .quiet import quiet
from .rows import BEAT, HEADER, NAMES, Row, Translation
from .terms import STATES


if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["JournalStore"]


@final
class JournalStore(CachedStore):
    """
    Keeps trials in a journal of Optuna's, so that Optuna's tools open any study.

    A file may be in a folder that several machines share, where SQLite would be damaged.

    Args:
        file: Where.
    """

    def __init__(self, file: LogFile) -> None:
        super().__init__(file.place)
        self._file = file
        self._storage = file.storage
        self._beats: dict[int, float] = {}
        self._size = -1

    @classmethod
    def at(cls, url: str) -> Self:
        return cls(LogFile(url))

    def open(self, header: StudyHeader) -> None:
        way = Translation(header)
        with self._lock, self._file.told():
            kept = {one.name: one for one in self.headers()}.get(header.name)
            if kept is None:
                with self._file.alone(), quiet():
                    kept = self._begun(header, way)
            header.require_same(kept, self.place)
            self._study_id = self._storage.get_study_id_from_name(header.name)
            self._way, self._cache, self._beats, self._size = way, Cache(), {}, -1

    def _begun(self, header: StudyHeader, way: Translation) -> StudyHeader:
        """Write a new study, or make one of Optuna's ours."""
        storage = self._storage
        there = {study.study_name: study for study in storage.get_all_studies()}
        found = there.get(header.name)
        if found is None:
            study_id = storage.create_new_study(directions_of(header), header.name)
        elif HEADER in found.user_attrs:
            return StudyHeader.from_json(json.dumps(found.user_attrs[HEADER]))
        else:
            study_id = found._study_id  # noqa: SLF001 - there is no other name for it
            rows = [_row(one) for one in storage.get_all_trials(study_id, deepcopy=False)]
            names = found.system_attrs.get(NAMES)
            check_adoptable(header, self.place, found.directions, names, rows, way)
        storage.set_study_system_attr(study_id, NAMES, list(header.metrics))
        storage.set_study_user_attr(study_id, HEADER, json.loads(header.to_json()))
        return header

    def headers(self) -> list[StudyHeader]:
        with self._file.told():
            noted = [study.user_attrs for study in self._storage.get_all_studies()]
        return [StudyHeader.from_json(json.dumps(one[HEADER])) for one in noted if HEADER in one]

    # --- Writing. -------------------------------------------------------------------------------

    def add(self, record: TrialRecord) -> int:
        with self._lock, self._file.alone():
            return self._create(record)

    def add_next(self, record: TrialRecord, number: int) -> bool:
        with self._lock, self._file.alone():
            if number != len(self.trials()):
                return False
            return number == self._create(record)

    def _create(self, record: TrialRecord) -> int:
        trial_id = self._storage.create_new_trial(
            self._study_id, _template(record, self._translation)
        )
        return self._storage.get_trial_number_from_id(trial_id)

    def claim(self, number: int, owner: str) -> bool:
        with self._lock, self._file.alone():
            record = self._known(number)
            if record.state is not TrialState.WAITING:
                return False
            trial_id = self._cache.ids[number]
            # First of all who it is: a process that is killed in between is then known.
            self._storage.set_trial_user_attr(trial_id, "owner", owner)
            self._storage.set_trial_user_attr(trial_id, BEAT, time.time())
            return self._storage.set_trial_state_values(trial_id, OptunaState.RUNNING)

    def report(self, number: int, step: int, value: float) -> None:
        with self._lock, self._file.told():
            self._known(number)
            try:
                trial_id = self._cache.ids[number]
                self._storage.set_trial_intermediate_value(trial_id, step, value)
            except UpdateFinishedTrialError:
                raise ended_already(self._known(number)) from None

    def finish(self, record: TrialRecord, retry: TrialRecord | None = None) -> None:
        way, number = self._translation, record.number
        values = way.values(record)
        user, system = way.ended(record)
        with self._lock, self._file.alone():
            if self._known(number).state.is_finished:
                raise ended_already(self._known(number))
            # Before the trial ends: what is lost with this process in between, the next one ends.
            if retry is not None and not self._is_repeated(number):
                self._create(retry)
            trial_id = self._cache.ids[number]
            for key, value in user.items():
                self._storage.set_trial_user_attr(trial_id, key, value)
            for key, value in system.items():
                self._storage.set_trial_system_attr(trial_id, key, value)
            self._storage.set_trial_state_values(trial_id, STATES[record.state], values)

    def _is_repeated(self, number: int) -> bool:
        return any(record.attrs.get("retry_of") == number for record in self.trials())

    def _known(self, number: int) -> TrialRecord:
        try:
            return self.trials()[number]
        except IndexError:
            raise StoreError(f"{self.place} has no trial {number}.") from None

    # --- Reading. -------------------------------------------------------------------------------

    def _refresh(self, way: Translation) -> None:
        size, cache = self._file.size, self._cache
        if size == self._size:
            return
        with self._file.told():
            trials = self._storage.get_all_trials(self._study_id, deepcopy=False)
        for number in [*sorted(cache.open), *range(len(cache.records), len(trials))]:
            row = _row(trials[number])
            self._beats[number] = row.user_attrs.get(BEAT, 0.0)
            cache.put(row.trial_id, way.record(row))
        self._size = size

    # --- Signs of life. -------------------------------------------------------------------------

    def beat(self, numbers: Sequence[int]) -> None:
        with self._lock, self._file.told():
            for number in numbers:
                if not self._known(number).state.is_finished:
                    trial_id = self._cache.ids[number]
                    self._storage.set_trial_user_attr(trial_id, BEAT, time.time())

    def _heard(self, record: TrialRecord) -> float | None:
        return self._beats[record.number] or record.started


def _template(record: TrialRecord, way: Translation) -> FrozenTrial:
    params = way.leaves.params(record.config)
    user, system = way.ended(record) if record.state.is_finished else ({}, {})
    return FrozenTrial(
        number=-1,
        trial_id=-1,
        state=STATES[record.state],
        value=None,
        values=way.values(record) if record.state.is_finished else None,
        datetime_start=_moment(record.started),
        datetime_complete=_moment(record.finished),
        params={p.name: p.distribution.to_external_repr(p.number) for p in params},
        distributions={p.name: p.distribution for p in params},
        user_attrs={**way.noted(record), **user},
        system_attrs=system,
        intermediate_values=dict(record.steps),
    )


def _moment(seconds: float | None) -> dt.datetime | None:
    return None if seconds is None else dt.datetime.fromtimestamp(seconds, dt.UTC)


def _row(trial: FrozenTrial) -> Row:
    distributions = trial.distributions
    return Row(
        trial_id=trial._trial_id,  # noqa: SLF001 - there is no other name for it
        number=trial.number,
        state=trial.state,
        started=_utc(trial.datetime_start),
        finished=_utc(trial.datetime_complete),
        params=[
            (name, distributions[name].to_internal_repr(value), _json(distributions[name]))
            for name, value in trial.params.items()
        ],
        values=trial.values,
        user_attrs=trial.user_attrs,
        system_attrs=trial.system_attrs,
        steps=trial.intermediate_values,
    )


def _json(distribution: BaseDistribution) -> str:
    text: str = distribution_to_json(distribution)
    return text


def _utc(moment: dt.datetime | None) -> dt.datetime | None:
    return None if moment is None else moment.astimezone(dt.UTC).replace(tzinfo=None)
