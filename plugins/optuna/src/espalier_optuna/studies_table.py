"""Read and write the studies of one of Optuna's databases."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, delete, insert, select

from espalier.studies import StudyHeader

from .adopting import check_adoptable, directions_of
from .rows import HEADER, NAMES
from .tables import DIRECTIONS, STUDIES, STUDY_SYSTEM_ATTRS, STUDY_USER_ATTRS, TRIALS, fetch_rows


if TYPE_CHECKING:
    from sqlalchemy import Table

    from .rows import Translation

__all__ = ["begin_study", "find_headers", "find_study"]


def find_headers(c: Connection) -> list[StudyHeader]:
    """Return the studies that have a header, in the order in which they were made."""
    table = STUDY_USER_ATTRS.c
    query = select(table.value_json).where(table.key == HEADER).order_by(table.study_id)
    return [StudyHeader.from_json(text) for text in c.execute(query).scalars()]


def find_study(c: Connection, name: str) -> tuple[int, StudyHeader | None] | None:
    """Return the number of a study and its header, if it has one; ``None`` if it is not there."""
    table = STUDIES.c
    study_id = c.execute(select(table.study_id).where(table.study_name == name)).scalar()
    if study_id is None:
        return None
    text = _attr(c, STUDY_USER_ATTRS, study_id, HEADER)
    return study_id, None if text is None else StudyHeader.from_json(text)


def begin_study(c: Connection, header: StudyHeader) -> int:
    """Write a new study, and return its number."""
    made = c.execute(insert(STUDIES), {"study_name": header.name}).inserted_primary_key
    study_id = int(made[0]) if made else 0
    ways = directions_of(header)
    rows = [
        {"study_id": study_id, "objective": place, "direction": way}
        for place, way in enumerate(ways)
    ]
    c.execute(insert(DIRECTIONS), rows)
    mark_study(c, study_id, header)
    return study_id


def mark_study(c: Connection, study_id: int, header: StudyHeader) -> None:
    """Write the header of a study, and the names of its metrics."""
    plain = json.loads(header.to_json())
    _set_attr(c, STUDY_USER_ATTRS, study_id, HEADER, plain)
    _set_attr(c, STUDY_SYSTEM_ATTRS, study_id, NAMES, list(header.metrics))


def check_adopted(
    c: Connection, study_id: int, header: StudyHeader, place: str, way: Translation
) -> None:
    """
    Check that a study without a header can be the one that *header* describes.

    Raises:
        StudyError: Naming what differs.
    """
    table = DIRECTIONS.c
    query = select(table.direction).where(table.study_id == study_id).order_by(table.objective)
    names = _attr(c, STUDY_SYSTEM_ATTRS, study_id, NAMES)
    check_adoptable(
        header,
        place,
        list(c.execute(query).scalars()),
        None if names is None else json.loads(names),
        fetch_rows(c, TRIALS.c.study_id == study_id),
        way,
    )


def _attr(c: Connection, table: Table, study_id: int, key: str) -> str | None:
    query = select(table.c.value_json).where(table.c.study_id == study_id, table.c.key == key)
    return c.execute(query).scalar()


def _set_attr(c: Connection, table: Table, study_id: int, key: str, value: Any) -> None:
    c.execute(delete(table).where(table.c.study_id == study_id, table.c.key == key))
    row = {"study_id": study_id, "key": key, "value_json": json.dumps(value)}
    c.execute(insert(table), row)
