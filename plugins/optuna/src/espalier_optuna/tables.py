"""The tables of Optuna's databases, and what is read and written there in one step."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from optuna.storages._rdb import models
from optuna.trial import TrialState as OptunaState
from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from espalier.errors import StudyError
from espalier.sampling import TrialState

from .rows import Row, moment
from .terms import STATES


if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from espalier.sampling import TrialRecord

    from .rows import Translation

__all__ = [
    "HEARTBEATS",
    "STUDIES",
    "TRIALS",
    "USER_ATTRS",
    "count_after",
    "end_trial",
    "fetch_rows",
    "insert_attrs",
    "insert_step",
    "insert_trial",
]


def _table(model: Any) -> Table:
    table: Table = model.__table__
    return table


STUDIES = _table(models.StudyModel)
DIRECTIONS = _table(models.StudyDirectionModel)
STUDY_USER_ATTRS = _table(models.StudyUserAttributeModel)
STUDY_SYSTEM_ATTRS = _table(models.StudySystemAttributeModel)
TRIALS = _table(models.TrialModel)
USER_ATTRS = _table(models.TrialUserAttributeModel)
SYSTEM_ATTRS = _table(models.TrialSystemAttributeModel)
PARAMS = _table(models.TrialParamModel)
VALUES = _table(models.TrialValueModel)
STEPS = _table(models.TrialIntermediateValueModel)
HEARTBEATS = _table(models.TrialHeartbeatModel)


#: Made once: to put them together takes longer than to run them.
_NEW_TRIAL, _NEW_PARAM, _NEW_VALUE, _NEW_BEAT = map(insert, (TRIALS, PARAMS, VALUES, HEARTBEATS))
_COUNT = (
    select(func.count())
    .select_from(TRIALS)
    .where(TRIALS.c.study_id == bindparam("study"), TRIALS.c.trial_id > bindparam("last"))
)
_END = (
    update(TRIALS)
    .where(
        TRIALS.c.trial_id == bindparam("id"),
        TRIALS.c.state.in_([OptunaState.RUNNING, OptunaState.WAITING]),
    )
    .values(state=bindparam("new"), datetime_complete=bindparam("at"))
)


def insert_trial(
    c: Connection, study_id: int, number: int, record: TrialRecord, way: Translation
) -> int:
    """Write a new trial, and return its number among those of all studies."""
    row = {
        "study_id": study_id,
        "number": number,
        "state": STATES[record.state],
        "datetime_start": moment(record.started),
        "datetime_complete": moment(record.finished),
    }
    made = c.execute(_NEW_TRIAL, row).inserted_primary_key
    trial_id = int(made[0]) if made else 0
    params = [
        {
            "trial_id": trial_id,
            "param_name": param.name,
            "param_value": param.number,
            "distribution_json": param.json,
        }
        for param in way.leaves.params(record.config)
    ]
    if params:
        c.execute(_NEW_PARAM, params)
    insert_attrs(c, USER_ATTRS, trial_id, way.noted(record))
    if record.state is TrialState.RUNNING:
        c.execute(_NEW_BEAT, {"trial_id": trial_id})
    for step, value in record.steps.items():
        insert_step(c, trial_id, step, value)
    if record.state.is_finished:
        _write_results(c, trial_id, record, way)
    return trial_id


def insert_attrs(c: Connection, table: Table, trial_id: int, noted: Mapping[str, Any]) -> None:
    """Write attributes of a trial that it does not have yet."""
    if noted:
        rows = [
            {"trial_id": trial_id, "key": key, "value_json": _json(key, value)}
            for key, value in noted.items()
        ]
        c.execute(insert(table), rows)


def _json(key: str, value: Any) -> str:
    try:
        return json.dumps(value)
    except (TypeError, ValueError) as error:
        raise StudyError(f"the attribute {key!r} can't be written as JSON: {error}.") from error


def insert_step(c: Connection, trial_id: int, step: int, value: float) -> None:
    """Write what a trial reported, in place of what it reported at that step before."""
    kept, kind = models.TrialIntermediateValueModel.intermediate_value_to_stored_repr(value)
    c.execute(delete(STEPS).where(STEPS.c.trial_id == trial_id, STEPS.c.step == step))
    row = {
        "trial_id": trial_id,
        "step": step,
        "intermediate_value": kept,
        "intermediate_value_type": kind,
    }
    c.execute(insert(STEPS), row)


def end_trial(c: Connection, trial_id: int, record: TrialRecord, way: Translation) -> bool:
    """Write how a trial ended; ``False`` if it had ended before."""
    new = {"id": trial_id, "new": STATES[record.state], "at": moment(record.finished)}
    if not c.execute(_END, new).rowcount:
        return False
    _write_results(c, trial_id, record, way)
    return True


def _write_results(c: Connection, trial_id: int, record: TrialRecord, way: Translation) -> None:
    rows = []
    for objective, value in enumerate(way.values(record) or ()):
        kept, kind = models.TrialValueModel.value_to_stored_repr(value)
        rows.append(
            {"trial_id": trial_id, "objective": objective, "value": kept, "value_type": kind}
        )
    if rows:
        c.execute(_NEW_VALUE, rows)
    user, system = way.ended(record)
    insert_attrs(c, USER_ATTRS, trial_id, user)
    insert_attrs(c, SYSTEM_ATTRS, trial_id, system)


def fetch_rows(c: Connection, chosen: ColumnElement[bool]) -> list[Row]:
    """
    Read trials with all that belongs to them, in the order in which they were added.

    Args:
        c: Where.

        chosen: Which rows of `TRIALS`.
    """
    t = TRIALS.c
    query = select(t.trial_id, t.number, t.state, t.datetime_start, t.datetime_complete)
    trials = c.execute(query.where(chosen).order_by(t.trial_id)).all()
    if not trials:
        return []
    ids = select(t.trial_id).where(chosen)
    params: dict[int, list[tuple[str, float, str]]] = defaultdict(list)
    for trial_id, *param in _of(c, PARAMS, ids, "param_name", "param_value", "distribution_json"):
        params[trial_id].append(tuple(param))
    values: dict[int, dict[int, float]] = defaultdict(dict)
    for trial_id, place, value, kind in _of(c, VALUES, ids, "objective", "value", "value_type"):
        values[trial_id][place] = models.TrialValueModel.stored_repr_to_value(value, kind)
    steps: dict[int, dict[int, float]] = defaultdict(dict)
    told = ("step", "intermediate_value", "intermediate_value_type")
    for trial_id, step, value, kind in _of(c, STEPS, ids, *told):
        read = models.TrialIntermediateValueModel.stored_repr_to_intermediate_value(value, kind)
        steps[trial_id][step] = read
    noted: dict[int, dict[str, Any]] = defaultdict(dict)
    for trial_id, key, text in _of(c, USER_ATTRS, ids, "key", "value_json"):
        noted[trial_id][key] = json.loads(text)
    return [
        Row(
            trial_id=one.trial_id,
            number=one.number,
            state=one.state,
            started=one.datetime_start,
            finished=one.datetime_complete,
            params=params[one.trial_id],
            values=[v for _, v in sorted(values[one.trial_id].items())] or None,
            user_attrs=noted[one.trial_id],
            steps=steps[one.trial_id],
        )
        for one in trials
    ]


def _of(c: Connection, table: Table, ids: Any, *names: str) -> Iterable[Any]:
    key = next(iter(table.primary_key))
    columns = [table.c.trial_id, *(table.c[name] for name in names)]
    return c.execute(select(*columns).where(table.c.trial_id.in_(ids)).order_by(key))


def count_after(c: Connection, study_id: int, last: int) -> int:
    """Return how many trials of a study were added after trial *last*."""
    return c.execute(_COUNT, {"study": study_id, "last": last}).scalar_one()
