"""Ask Optuna's pruners about trials that are kept elsewhere."""

from __future__ import annotations

import abc
import math
import warnings
from typing import TYPE_CHECKING, Any

import attrs
from optuna.samplers import RandomSampler
from optuna.trial import FrozenTrial
from optuna.trial import TrialState as OptunaState

from espalier.domains.bounds import is_integer
from espalier.errors import StudyError
from espalier.sampling import Optim, TrialState
from espalier.sampling.metrics import is_real
from espalier.studies import Stopper

from .terms import DIRECTIONS, STATES
from .trials import Trials, frozen


if TYPE_CHECKING:
    from collections.abc import Sequence

    from optuna.pruners import BasePruner

    from espalier.sampling import TrialRecord

__all__ = ["PrunerStopper", "count", "number"]


class PrunerStopper(Stopper):
    """
    Ends trials when a pruner of Optuna's does.

    What it decides depends on the trials it is shown alone, so that several processes with one
    store, and one that begins again, decide alike.
    """

    def __init__(self, way: Optim, *, seed: int = 0) -> None:
        super().__init__(way, seed=seed)
        self._trials = Trials([DIRECTIONS[way]])
        self._seen: dict[int, tuple[TrialState, int]] = {}

    @abc.abstractmethod
    def _pruner(self) -> BasePruner | None:
        """Return the pruner to ask; ``None`` as long as nothing is to be stopped."""

    def _noted(self, record: TrialRecord) -> dict[str, Any]:
        """Return what Optuna's pruner would have noted of a trial."""
        del record
        return {}

    def stops(self, trial: TrialRecord, others: Sequence[TrialRecord]) -> bool:
        if not trial.steps or not self._may_stop(trial, others):
            return False
        with warnings.catch_warnings(action="ignore"):
            pruner = self._pruner()
            if pruner is None:
                return False
            for record in others:
                seen = record.state, len(record.steps)
                if self._seen.get(record.number) != seen:
                    self._seen[record.number] = seen
                    self._trials.put(self._frozen(record))
            asked = self._frozen(trial, is_asked=True)
            self._trials.put(asked)
            self._seen.pop(trial.number, None)
            stops = pruner.prune(self._trials.study(RandomSampler(), pruner), asked)
        if stops:
            self._stopped(trial, self._trials[trial.number])
        return bool(stops)

    def _may_stop(self, trial: TrialRecord, others: Sequence[TrialRecord]) -> bool:
        """Whether a decision is due at all; it saves looking at the others."""
        del trial, others
        return True

    def _stopped(self, trial: TrialRecord, noted: FrozenTrial) -> None:
        """Hear that a trial was stopped; *noted* is what the pruner made of it."""

    def _frozen(self, record: TrialRecord, *, is_asked: bool = False) -> FrozenTrial:
        noted = {} if is_asked else self._noted(record)
        if is_asked:
            noted = self._noted(_before_last(record))
        values = _values(record) if record.state is TrialState.COMPLETE else None
        state = STATES[record.state]
        if state is OptunaState.COMPLETE and values is None:
            state = OptunaState.FAIL
        return frozen(record.number, state, values=values, steps=record.steps, noted=noted)


def _before_last(record: TrialRecord) -> TrialRecord:
    """Return a running trial as it was before its last report."""
    last = max(record.steps)
    steps = {step: value for step, value in record.steps.items() if step != last}
    return attrs.evolve(record, steps=steps, state=TrialState.RUNNING)


def _values(record: TrialRecord) -> list[float] | None:
    """Return the first metric, which is the one that trials report."""
    value = next(iter(record.metrics.values()), math.nan)
    return None if math.isnan(value) else [value]


def count(stopper: Stopper, name: str, value: Any, least: int) -> int:
    """
    Return the setting *name*, an integer.

    Raises:
        StudyError: If it is none, or below *least*.
    """
    if not is_integer(value) or int(value) < least:
        raise StudyError(
            f"{type(stopper).__name__}: {name} must be an integer of at least {least}, got "
            f"{value!r}."
        )
    return int(value)


def number(stopper: Stopper, name: str, value: Any, low: float, high: float = math.inf) -> float:
    """
    Return the setting *name*, a number.

    Raises:
        StudyError: If it is none, or not from *low* to *high*.
    """
    if not is_real(value) or not low <= value <= high:
        rule = f"from {low} to {high}" if math.isfinite(high) else f"of at least {low}"
        rule = rule if math.isfinite(low) else ""
        told = f"a number {rule}".rstrip()
        raise StudyError(f"{type(stopper).__name__}: {name} must be {told}, got {value!r}.")
    return float(value)
