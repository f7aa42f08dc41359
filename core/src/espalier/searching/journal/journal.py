"""The progress of one search: what was scored and computed, and the random state after it."""

from __future__ import annotations

import json
import math
import pathlib
from typing import TYPE_CHECKING, Any, final

import attrs
import structlog

from ...errors import StateError
from ...reading import Entry
from ..result import Trial
from .file import KEY, VERSION, RecordFile
from .fingerprint import require_same
from .randomness import captured, put_back


if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

log = structlog.get_logger()


@final
class Journal:
    """
    A progress file, open.

    Args:
        path: Where it is, or will be.

        fingerprint: What tells the work from any other, as JSON data.

    Raises:
        StateError: If the file is of other work, of a newer Espalier, damaged, no progress file,
            in use, or can't be written. It is left as it is.
    """

    def __init__(self, path: str | os.PathLike[str], fingerprint: Mapping[str, Any]) -> None:
        self.path = place(path)
        self._states: dict[str, Entry] = {}
        self._trials: dict[str, tuple[Trial, dict[str, Entry]]] = {}
        self._failed: list[str] = []
        self._values: dict[str, tuple[str, dict[str, Entry]]] = {}
        self._file, records = RecordFile.open(self.path)
        #: Whether there was nothing at *path*.
        self.is_new = not records
        try:
            self._begin(json.loads(json.dumps(fingerprint)), records)
        except BaseException:
            self._file.close()
            raise

    def _begin(self, fingerprint: Mapping[str, Any], records: list[Entry]) -> None:
        if not records:
            states = captured()
            self._file.append({KEY: VERSION, "of": fingerprint, "random": states})
            self._states = {n: Entry(n, state) for n, state in states.items()}
            return
        version = records[0][KEY].size()
        if version != VERSION:
            age = "new: upgrade espalier-core" if version > VERSION else "old: delete the file"
            raise StateError(
                f"{self.path}: written in format {version}, this Espalier reads {VERSION}; it is "
                f"too {age}, or give another path."
            )
        records[0].fields([KEY, "of", "random"])
        require_same(self.path, records[0]["of"], fingerprint)
        self._states = dict(records[0]["random"].items())
        put_back(self._states)
        states = self._states
        for record in records[1:]:
            states = {**states, **dict(record["random"].items())}
            self._take(record, states)
        log.info("progress_found", path=str(self.path), scored=len(self._trials))

    def _take(self, record: Entry, states: dict[str, Entry]) -> None:
        if "config" in record.mapping():
            record.fields(["config", "score", "reason", "deviation", "random"])
            trial = Trial(
                dict(record["config"].mapping()),
                _score(record),
                record["reason"].text(),
                _real(record["deviation"]),
            )
            key = _key(trial.config)
            self._trials[key] = trial, states
            if trial.reason:
                self._failed.append(key)
        elif "value" in record.mapping():
            record.fields(["key", "value", "random"])
            self._values[record["key"].text()] = record["value"].text(), states
        else:
            record.fields(["again", "random"])
            self._forget_failed()

    def _forget_failed(self) -> None:
        for key in self._failed:
            self._trials.pop(key, None)
        self._failed = []

    def trial(self, config: Mapping[str, Any]) -> Trial | None:
        """Return what was scored before, and put random states to what they were after it."""
        found = self._trials.get(_key(config))
        if found is None:
            return None
        self._go_to(found[1])
        return attrs.evolve(found[0], config=dict(config))

    def keep_trial(self, trial: Trial) -> None:
        """Write *trial* down, with the random state as it is now."""
        score = None if math.isnan(trial.score) else trial.score
        record = {
            "config": json.loads(_key(trial.config)),
            "score": score,
            "reason": trial.reason,
            "deviation": trial.deviation,
        }
        self._append(record)
        if trial.reason:
            self._failed.append(_key(trial.config))

    def value(self, key: str) -> str | None:
        """Return the JSON that was kept under *key*; the random state is that of then."""
        found = self._values.get(key)
        if found is None:
            return None
        self._go_to(found[1])
        return found[0]

    def peek(self, key: str) -> str | None:
        """Return the JSON that was kept under *key*, and leave random states alone."""
        found = self._values.get(key)
        return None if found is None else found[0]

    def keep_value(self, key: str, text: str) -> None:
        """Keep JSON under *key*, with the random state as it is now."""
        self._append({"key": key, "value": text})
        self._values[key] = text, self._states

    def score_failed_again(self) -> None:
        """
        Let the next start score again what has failed: this one ends for it.

        Whoever corrects the score can then go on with the same file.
        """
        if self._failed:
            self._append({"again": len(self._failed)})
            self._forget_failed()

    def close(self) -> None:
        """Let others open the file."""
        self._file.close()

    def _append(self, record: Mapping[str, Any]) -> None:
        now = captured()
        known = {name: entry.value for name, entry in self._states.items()}
        changed = {name: state for name, state in now.items() if state != known.get(name)}
        self._file.append({**record, "random": changed})
        self._states = {**self._states, **{n: Entry(n, state) for n, state in changed.items()}}

    def _go_to(self, states: dict[str, Entry]) -> None:
        put_back(states)
        self._states = states


def place(path: str | os.PathLike[str]) -> pathlib.Path:
    """
    Return *path* as such.

    Raises:
        StateError: If it is none.
    """
    try:
        return pathlib.Path(path)
    except TypeError as error:
        raise StateError(f"progress_file must be a path or None, got {path!r}.") from error


def _key(config: Mapping[str, Any]) -> str:
    # Choices may be integers of NumPy; those of JSON have no types but Python's.
    return json.dumps(config, default=int, sort_keys=True)


def _score(record: Entry) -> float:
    found = _real(record["score"])
    return math.nan if found is None else found


def _real(entry: Entry) -> float | None:
    value = entry.value
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        entry.fail("must be a number or null")
    return float(value)
