"""Write what a sampler was told of a trial as Optuna has it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, final

import attrs
from optuna.trial import FrozenTrial
from optuna.trial import TrialState as OptunaState

from espalier.sampling import TrialState

from .terms import STATES
from .trials import frozen


if TYPE_CHECKING:
    from collections.abc import Mapping

    from optuna.distributions import BaseDistribution

    from espalier.sampling import Optim, TrialRecord

__all__ = ["Told"]

#: Worse than any result: where a sampler does not know of constraints, what breaks one is here.
_FAR = 1e30


@final
@attrs.frozen
class Told:
    """
    How results become what Optuna's samplers learn from.

    Args:
        metrics: Whether each is to be small or large.

        constraints: Upper bounds of metrics.

        penalised: Whether a broken constraint makes the result bad; if not, Optuna's sampler
            handles constraints itself.
    """

    metrics: Mapping[str, Optim]
    constraints: Mapping[str, float]
    penalised: bool = False

    def trial(
        self,
        record: TrialRecord,
        params: Mapping[str, Any],
        distributions: Mapping[str, BaseDistribution],
    ) -> FrozenTrial:
        """
        Return how a trial stands.

        Args:
            record: What was told.

            params: Its values, as Optuna has them.

            distributions: What they were chosen from.
        """
        state = _STATES[record.state]
        values, steps, noted = None, {}, {}
        if state is OptunaState.COMPLETE:
            results = [record.metrics[n] for n in (*self.metrics, *self.constraints)]
            if any(math.isnan(one) for one in results):
                state = OptunaState.FAIL
            else:
                noted = self._broken(record)
                values = self._values(record, sum(v for v in noted.values() if v > 0))
        elif state is OptunaState.PRUNED:
            steps = self._steps(record)
            last = steps[max(steps)] if steps else math.nan
            values = None if math.isnan(last) else [last]
        return frozen(
            record.number,
            state,
            params=params,
            distributions=distributions,
            values=values,
            steps=steps,
            noted={} if self.penalised else noted,
        )

    def _broken(self, record: TrialRecord) -> dict[str, float]:
        """Return by how much each constraint is broken, or kept if it is not above 0."""
        return {
            f"constraints:{name}": record.metrics[name] - bound
            for name, bound in self.constraints.items()
        }

    def _values(self, record: TrialRecord, broken: float) -> list[float]:
        if not self.penalised or broken <= 0:
            return [record.metrics[name] for name in self.metrics]
        share = broken / (1 + broken) if math.isfinite(broken) else 1.0
        return [way.sign * _FAR * (1 + share) for way in self.metrics.values()]

    def _steps(self, record: TrialRecord) -> dict[int, float]:
        """Return what was reported; Optuna has no steps where there are several metrics."""
        if len(self.metrics) > 1:
            return {}
        first = next(iter(self.metrics))
        if not record.steps and first in record.metrics:
            return {0: record.metrics[first]}
        return dict(record.steps)


#: To a sampler, what waits is under way: somebody will begin it.
_STATES: Mapping[TrialState, OptunaState] = {**STATES, TrialState.WAITING: OptunaState.RUNNING}
