"""Write a trial as Optuna keeps it, and read it again."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any, final

import attrs

from espalier.errors import StudyError
from espalier.sampling import TrialRecord, TrialState

from .leaves import Leaves
from .terms import STATES


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optuna.trial import TrialState as OptunaState

    from espalier.studies import StudyHeader

__all__ = ["BEAT", "HEADER", "NAMES", "Row", "Translation"]

#: The attribute of a study that holds its header.
HEADER = "espalier"

#: Where Optuna keeps the names of metrics.
NAMES = "study:metric_names"

#: When a trial's process was last heard of, where the storage has no heartbeats.
BEAT = "espalier:beat"

_SAMPLER, _REASON, _METRICS = "espalier:sampler_id", "espalier:reason", "espalier:metrics"
_EXACT, _INVALID = "espalier:exact", "espalier:invalid"
_OURS = {_SAMPLER, _REASON, _METRICS, _EXACT, _INVALID, BEAT}

_BACK = {theirs: ours for ours, theirs in STATES.items() if ours is not TrialState.INVALID}


@final
@attrs.frozen
class Row:
    """
    A trial, as Optuna keeps it.

    Args:
        trial_id: Its number among those of all studies.

        number: Its number in the study.

        state: How it stands.

        started: When it began, as UTC.

        finished: When it ended, as UTC.

        params: Name, internal form and distribution of each parameter.

        values: Results in the order of the study's directions.

        user_attrs: What was noted.

        system_attrs: What Optuna notes.

        steps: What was reported on the way.
    """

    trial_id: int
    number: int
    state: OptunaState
    started: dt.datetime | None = None
    finished: dt.datetime | None = None
    params: Sequence[tuple[str, float, str]] = ()
    values: Sequence[float] | None = None
    user_attrs: Mapping[str, Any] = attrs.field(factory=dict)
    system_attrs: Mapping[str, Any] = attrs.field(factory=dict)
    steps: Mapping[int, float] = attrs.field(factory=dict)


@final
class Translation:
    """
    Turns the trials of one study into Optuna's, and back.

    Args:
        header: The study.
    """

    def __init__(self, header: StudyHeader) -> None:
        self.leaves = Leaves(header.parameters)
        self.metrics = list(header.metrics)
        self._bounds = dict(header.constraints)

    def noted(self, record: TrialRecord) -> dict[str, Any]:
        """Return the attributes that a new trial has."""
        found = dict(record.attrs)
        wrong = [name for name in found if name.startswith("espalier:")]
        if wrong:
            raise StudyError(f"a trial's attribute can't be called {wrong[0]!r}: that is ours.")
        if record.sampler_id is not None:
            found[_SAMPLER] = record.sampler_id
        exact = self.leaves.exact(record.config)
        if exact:
            found[_EXACT] = exact
        return found

    def values(self, record: TrialRecord) -> list[float] | None:
        """
        Return the results that Optuna keeps: of complete trials, and the one of a stopped trial.

        Raises:
            StudyError: If a complete trial lacks one, or one is not a number.
        """
        held = [record.metrics.get(name, math.nan) for name in self.metrics]
        if record.state is TrialState.COMPLETE:
            lacking = [n for n, v in zip(self.metrics, held, strict=True) if math.isnan(v)]
            if lacking:
                raise StudyError(
                    f"trial {record.number} must have a number for {', '.join(lacking)} to be "
                    f"complete; it has {record.metrics}."
                )
            return held
        single = record.state is TrialState.STOPPED_EARLY and len(held) == 1
        return held if single and not math.isnan(held[0]) else None

    def ended(self, record: TrialRecord) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the attributes of a trial that ended: those of users, and those of Optuna."""
        user: dict[str, Any] = {}
        if record.reason:
            user[_REASON] = record.reason
        if record.state is TrialState.INVALID:
            user[_INVALID] = True
        kept = self.metrics if self.values(record) is not None else []
        others = {name: value for name, value in record.metrics.items() if name not in kept}
        if others:
            user[_METRICS] = others
        over = {
            f"constraints:{name}": record.metrics[name] - bound
            for name, bound in self._bounds.items()
            if name in record.metrics and not math.isnan(record.metrics[name])
        }
        return user, over

    def record(self, row: Row) -> TrialRecord:
        """Return what is known of a trial."""
        noted = row.user_attrs
        metrics = dict(zip(self.metrics, row.values or (), strict=False))
        state = TrialState.INVALID if noted.get(_INVALID) else _BACK[row.state]
        return TrialRecord(
            number=row.number,
            config=self.leaves.config(row.params, noted.get(_EXACT, {})),
            state=state,
            metrics={**metrics, **noted.get(_METRICS, {})},
            steps=dict(sorted(row.steps.items())),
            reason=noted.get(_REASON, ""),
            started=seconds(row.started),
            finished=seconds(row.finished),
            sampler_id=noted.get(_SAMPLER),
            attrs={name: value for name, value in noted.items() if name not in _OURS},
        )


def moment(seconds: float | None) -> dt.datetime | None:
    """Return a time in seconds since 1970 as one of UTC that does not say so."""
    if seconds is None:
        return None
    return dt.datetime.fromtimestamp(seconds, dt.UTC).replace(tzinfo=None)


def seconds(moment: dt.datetime | None) -> float | None:
    """Return the inverse of `moment`."""
    return None if moment is None else moment.replace(tzinfo=dt.UTC).timestamp()
