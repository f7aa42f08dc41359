"""Stop trials at rungs: asynchronous successive halving, and Hyperband on top of it."""

from __future__ import annotations

import math
import zlib
from typing import TYPE_CHECKING, Any, Literal, final

from optuna.pruners import SuccessiveHalvingPruner

from espalier.errors import StudyError
from espalier.sampling import Optim, TrialState
from espalier.studies import Stopper

from .pruning import PrunerStopper, count


if TYPE_CHECKING:
    from collections.abc import Sequence

    from optuna.pruners import BasePruner
    from optuna.trial import FrozenTrial

    from espalier.sampling import TrialRecord

__all__ = ["Hyperband", "SuccessiveHalving"]


@final
class SuccessiveHalving(PrunerStopper):
    """
    Goes on with the best fraction of trials at each of several rungs (ASHA).

    Rung *k* is at step ``min_resource * reduction_factor ** (min_early_stopping_rate + k)``. A
    trial that gets there goes on if it is among the best ``1 / reduction_factor`` of those that
    got there before it.

    Args:
        way: Whether the metric is to be small or large.

        seed: Is not used; nothing is drawn.

        min_resource: The step of the first rung; ``"auto"`` for a hundredth of what the first
            complete trial took. Until there is one, nothing is stopped.

        reduction_factor: One in so many goes on.

        min_early_stopping_rate: How many rungs are left out at the beginning.

        bootstrap_count: How many trials have to be at a rung before one goes on from there.

    Raises:
        StudyError: If a setting breaks a rule.

    Source:
        Li et al., *A System for Massively Parallel Hyperparameter Tuning*, MLSys 2020,
        arXiv:1810.05934.
    """

    def __init__(
        self,
        way: Optim,
        *,
        seed: int = 0,
        min_resource: int | Literal["auto"] = "auto",
        reduction_factor: int = 4,
        min_early_stopping_rate: int = 0,
        bootstrap_count: int = 0,
    ) -> None:
        super().__init__(way, seed=seed)
        self._first = _resource(self, "min_resource", min_resource, 1)
        self._factor = count(self, "reduction_factor", reduction_factor, 2)
        self._rate = count(self, "min_early_stopping_rate", min_early_stopping_rate, 0)
        self._bootstrap = count(self, "bootstrap_count", bootstrap_count, 0)
        self._at: dict[int, tuple[int, dict[str, float]]] = {}
        self.learned_from: TrialRecord | None = None
        if self._bootstrap and self._first is None:
            raise StudyError(
                f"SuccessiveHalving: bootstrap_count must be 0 where min_resource is 'auto', got "
                f"{bootstrap_count}. Say at which step the first rung is."
            )

    def _may_stop(self, trial: TrialRecord, others: Sequence[TrialRecord]) -> bool:
        if self._first is None:
            self.learned_from = _first_complete(others)
            if self.learned_from is None:
                return False
            self._first = max(max(self.learned_from.steps) // 100, 1)
        *before, now = sorted(trial.steps)
        rung = self._rungs_below(max(before, default=-1))
        return now >= self._step_of(rung)

    def _pruner(self) -> BasePruner | None:
        if self._first is None:
            return None
        return SuccessiveHalvingPruner(
            self._first, self._factor, self._rate, bootstrap_count=self._bootstrap
        )

    def _step_of(self, rung: int) -> int:
        return (self._first or 1) * self._factor ** (self._rate + rung)

    def _rungs_below(self, step: int) -> int:
        rung = 0
        while step >= self._step_of(rung):
            rung += 1
        return rung

    def _noted(self, record: TrialRecord) -> dict[str, Any]:
        """
        Return what the trial reported at each rung it got to.

        One that was stopped was so at the first rung that its last report reached, unless it is
        known better. One that ended before the first rung was known got to none.
        """
        if _was_before(record, self.learned_from):
            return {}
        known = self._at.get(record.number)
        stopped = record.state is TrialState.STOPPED_EARLY
        if stopped and known is not None and known[0] == len(record.steps):
            return dict(known[1])
        found: dict[str, float] = {}
        last = max(record.steps, default=-1)
        for step in sorted(record.steps):
            while step >= self._step_of(len(found)) and not math.isnan(record.steps[step]):
                found[f"completed_rung_{len(found)}"] = record.steps[step]
                if stopped and step == last:
                    return found
        return found

    def _stopped(self, trial: TrialRecord, noted: FrozenTrial) -> None:
        self._at[trial.number] = len(trial.steps), dict(noted.system_attrs)


@final
class Hyperband(Stopper):
    """
    Halves successively in several brackets, which differ in how early they begin to stop.

    Args:
        way: Whether the metric is to be small or large.

        seed: Decides which trial is in which bracket.

        min_resource: The step of the first rung of the bracket that stops first.

        max_resource: The last step of a trial; ``"auto"`` for that of the first complete trial,
            and one. Until there is one, nothing is stopped.

        reduction_factor: One in so many goes on.

        bootstrap_count: How many trials have to be at a rung before one goes on from there.

    Raises:
        StudyError: If a setting breaks a rule.

    Source:
        Li et al., *Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization*,
        JMLR 18, 2018, arXiv:1603.06560.
    """

    def __init__(
        self,
        way: Optim,
        *,
        seed: int = 0,
        min_resource: int = 1,
        max_resource: int | Literal["auto"] = "auto",
        reduction_factor: int = 3,
        bootstrap_count: int = 0,
    ) -> None:
        super().__init__(way, seed=seed)
        self._first = count(self, "min_resource", min_resource, 1)
        self._last = _resource(self, "max_resource", max_resource, self._first)
        self._factor = count(self, "reduction_factor", reduction_factor, 2)
        self._bootstrap = count(self, "bootstrap_count", bootstrap_count, 0)
        self._brackets: list[SuccessiveHalving] = []
        self._shares: list[int] = []

    def stops(self, trial: TrialRecord, others: Sequence[TrialRecord]) -> bool:
        if not self._brackets:
            last, first = self._last, None
            if last is None:
                first = _first_complete(others)
                if first is None:
                    return False
                last = max(first.steps) + 1
            self._open(last, first)
        own = self.bracket(trial.number)
        beside = [record for record in others if self.bracket(record.number) == own]
        return self._brackets[own].stops(trial, beside)

    def bracket(self, number: int) -> int:
        """Return in which bracket a trial is; 0 stops first."""
        place = zlib.crc32(f"espalier-{self.seed}_{number}".encode()) % sum(self._shares)
        for bracket, share in enumerate(self._shares):
            place -= share
            if place < 0:
                return bracket
        raise AssertionError

    def _open(self, last: int, learned_from: TrialRecord | None) -> None:
        ratio = max(1.0, last / self._first)
        brackets = math.floor(math.log(ratio, self._factor)) + 1
        for bracket in range(brackets):
            halvings = brackets - 1 - bracket
            self._shares.append(math.ceil(brackets * self._factor**halvings / (halvings + 1)))
            made = SuccessiveHalving(
                self.way,
                min_resource=self._first,
                reduction_factor=self._factor,
                min_early_stopping_rate=bracket,
                bootstrap_count=self._bootstrap,
            )
            made.learned_from = learned_from
            self._brackets.append(made)


def _resource(stopper: Stopper, name: str, value: Any, least: int) -> int | None:
    return None if value == "auto" else count(stopper, name, value, least)


def _first_complete(records: Sequence[TrialRecord]) -> TrialRecord | None:
    """Return the trial that was complete first, of those that reported."""
    complete = [r for r in records if r.state is TrialState.COMPLETE and r.steps]
    return min(complete, key=_ended, default=None)


def _ended(record: TrialRecord) -> tuple[bool, float, int]:
    return record.finished is None, record.finished or 0.0, record.number


def _was_before(record: TrialRecord, first: TrialRecord | None) -> bool:
    """Whether a trial had ended when *first* did, or is that trial."""
    return first is not None and record.state.is_finished and _ended(record) <= _ended(first)
