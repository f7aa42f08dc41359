"""Trials as JSON has them, and back, without a loss."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import attrs

from ..errors import StudyError
from ..sampling import TrialRecord, TrialState
from .header import StudyHeader


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["dump", "parse", "plain_trial"]

#: What an exported file begins with, and what it is a version of.
_FORMAT, _VERSION = "espalier-study", 1

#: Beside this key stands a float that JSON has no number for.
_FLOAT = "$float"

#: Beside this key stands, as text, an object that JSON can't write.
_OBJECT = "$object"


def dump(header: StudyHeader, trials: Iterable[TrialRecord]) -> bytes:
    """Return a study as JSON, which holds each trial on a line of its own."""
    # Half a character, which some files are named by, is written as JSON escapes it.
    lines = [_text(plain_trial(record)) for record in trials]
    head = _text({"format": _FORMAT, "version": _VERSION, "study": json.loads(header.to_json())})
    body = ",\n".join(lines)
    text = f'{head[:-1]}, "trials": [\n{body}\n]}}\n'
    return text.encode("utf-8", "backslashreplace")


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def parse(text: str | bytes, where: str) -> tuple[StudyHeader, tuple[TrialRecord, ...]]:
    """
    Return what `dump` wrote.

    Args:
        text: The JSON.

        where: What it is, for messages.

    Raises:
        StudyError: If it is something else, or damaged.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StudyError(f"{where} must be an exported study, as JSON; {error}.") from error
    if not isinstance(found, dict) or found.get("format") != _FORMAT:
        raise StudyError(
            f"{where} is no exported study: it must have the format {_FORMAT!r}. "
            f"Study.to_json writes such files."
        )
    if found.get("version") != _VERSION:
        raise StudyError(
            f"{where} has version {found.get('version')!r} of the format, this espalier reads "
            f"version {_VERSION}. Read it with the espalier that wrote it."
        )
    try:
        header = StudyHeader.from_json(json.dumps(found["study"]))
        return header, tuple(map(_trial, found["trials"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StudyError(f"{where} is damaged: {type(error).__name__}: {error}.") from error


def plain_trial(record: TrialRecord) -> dict[str, Any]:
    """Return a trial as JSON has it."""
    found = {
        field.name: getattr(record, field.name)
        for field in attrs.fields(TrialRecord)
        if field.name not in {"steps", "state"}
    }
    plain = {name: _plain(value) for name, value in found.items()}
    steps = [[step, _plain(value)] for step, value in record.steps.items()]
    return {**plain, "steps": steps, "state": record.state.value}


def _trial(plain: dict[str, Any]) -> TrialRecord:
    fields = dict(plain)
    config = _back(fields.pop("config"), tuple)
    steps = {step: _back(value, list) for step, value in fields.pop("steps")}
    state = TrialState(fields.pop("state"))
    others = {name: _back(value, list) for name, value in fields.items()}
    return TrialRecord(config=config, steps=steps, state=state, **others)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        # A name that could be taken for one of our marks gets a further sign.
        return {"$" + k if k.startswith("$") else k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {_FLOAT: repr(float(value))}
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return {_OBJECT: str(value)}


def _back(value: Any, kind: Callable[[list[Any]], Any]) -> Any:
    """Return what `_plain` was given; *kind* makes what its lists were."""
    if isinstance(value, list):
        return kind([_back(inner, kind) for inner in value])
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and _FLOAT in value:
        return float(value[_FLOAT])
    if len(value) == 1 and _OBJECT in value:
        return value[_OBJECT]
    return {k.removeprefix("$"): _back(v, kind) for k, v in value.items()}
