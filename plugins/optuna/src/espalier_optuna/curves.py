"""Stop trials by what they report, compared with others or with themselves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, final

from optuna.pruners import PatientPruner, PercentilePruner, ThresholdPruner, WilcoxonPruner

from espalier.errors import StudyError

from .pruning import PrunerStopper, count, number


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optuna.pruners import BasePruner

    from espalier.sampling import Optim, TrialRecord

__all__ = ["Median", "Patient", "Percentile", "Threshold", "Wilcoxon"]


class _Compared(PrunerStopper):
    """Ends a trial whose best report is worse than those of others at the same step."""

    def __init__(  # noqa: PLR0913 - settings
        self,
        way: Optim,
        *,
        seed: int = 0,
        percentile: float = 25.0,
        n_startup_trials: int = 5,
        n_warmup_steps: int = 0,
        interval_steps: int = 1,
        n_min_trials: int = 1,
    ) -> None:
        super().__init__(way, seed=seed)
        self._warmup = count(self, "n_warmup_steps", n_warmup_steps, 0)
        self._made = PercentilePruner(
            number(self, "percentile", percentile, 0, 100),
            count(self, "n_startup_trials", n_startup_trials, 0),
            self._warmup,
            count(self, "interval_steps", interval_steps, 1),
            n_min_trials=count(self, "n_min_trials", n_min_trials, 1),
        )

    def _may_stop(self, trial: TrialRecord, others: Sequence[TrialRecord]) -> bool:
        del others
        return max(trial.steps) >= self._warmup

    def _pruner(self) -> BasePruner | None:
        return self._made


@final
class Median(_Compared):
    """
    Ends a trial whose best report is worse than the median of complete trials at that step.

    Args:
        way: Whether the metric is to be small or large.

        seed: Is not used; nothing is drawn.

        n_startup_trials: How many trials have to be complete before one is stopped.

        n_warmup_steps: The first step at which a trial is stopped.

        interval_steps: How many steps are between two decisions.

        n_min_trials: How many trials have to have reported at the step.

    Raises:
        StudyError: If a setting breaks a rule.

    Source:
        Golovin et al., *Google Vizier: A Service for Black-Box Optimization*, KDD 2017,
        section 3.2.2.
    """

    def __init__(
        self,
        way: Optim,
        *,
        seed: int = 0,
        n_startup_trials: int = 5,
        n_warmup_steps: int = 0,
        interval_steps: int = 1,
        n_min_trials: int = 1,
    ) -> None:
        super().__init__(
            way,
            seed=seed,
            percentile=50.0,
            n_startup_trials=n_startup_trials,
            n_warmup_steps=n_warmup_steps,
            interval_steps=interval_steps,
            n_min_trials=n_min_trials,
        )


@final
class Percentile(_Compared):
    """
    Ends a trial whose best report is not among the best of complete trials at that step.

    Args:
        way: Whether the metric is to be small or large.

        seed: Is not used; nothing is drawn.

        percentile: How many percent go on, from 0 to 100.

        n_startup_trials: How many trials have to be complete before one is stopped.

        n_warmup_steps: The first step at which a trial is stopped.

        interval_steps: How many steps are between two decisions.

        n_min_trials: How many trials have to have reported at the step.

    Raises:
        StudyError: If a setting breaks a rule.
    """


@final
class Threshold(PrunerStopper):
    """
    Ends a trial that reports what is out of bounds.

    Args:
        way: Whether the metric is to be small or large.

        seed: Is not used; nothing is drawn.

        lower: The least that may be reported; ``None`` for no bound.

        upper: The most that may be reported; ``None`` for no bound.

        n_warmup_steps: The first step at which a trial is stopped.

        interval_steps: How many steps are between two decisions.

    Raises:
        StudyError: If a setting breaks a rule, or there is no bound.
    """

    def __init__(
        self,
        way: Optim,
        *,
        seed: int = 0,
        lower: float | None = None,
        upper: float | None = None,
        n_warmup_steps: int = 0,
        interval_steps: int = 1,
    ) -> None:
        super().__init__(way, seed=seed)
        if lower is None and upper is None:
            raise StudyError("Threshold: lower or upper must be given, got neither.")
        low = None if lower is None else number(self, "lower", lower, -math.inf)
        high = None if upper is None else number(self, "upper", upper, -math.inf)
        if low is not None and high is not None and low > high:
            raise StudyError(f"Threshold: upper must be at least lower, {lower}; got {upper}.")
        warmup = count(self, "n_warmup_steps", n_warmup_steps, 0)
        interval = count(self, "interval_steps", interval_steps, 1)
        self._made = ThresholdPruner(low, high, warmup, interval)

    def _pruner(self) -> BasePruner | None:
        return self._made


@final
class Wilcoxon(PrunerStopper):
    """
    Ends a trial that a signed-rank test finds worse than the best, step by step.

    It is for objectives whose steps are separate judgements, folds or instances, and whose result
    is their mean.

    Args:
        way: Whether the metric is to be small or large.

        seed: Is not used; nothing is drawn.

        p_threshold: How likely the difference may be by chance, from 0 to 1.

        n_startup_steps: How many steps a trial makes at least.

    Raises:
        StudyError: If a setting breaks a rule.
    """

    def __init__(
        self, way: Optim, *, seed: int = 0, p_threshold: float = 0.1, n_startup_steps: int = 2
    ) -> None:
        super().__init__(way, seed=seed)
        self._threshold = number(self, "p_threshold", p_threshold, 0, 1)
        self._startup = count(self, "n_startup_steps", n_startup_steps, 0)

    def _pruner(self) -> BasePruner | None:
        # It warns that it is new, which is heard by nobody here.
        return WilcoxonPruner(p_threshold=self._threshold, n_startup_steps=self._startup)


@final
class Patient(PrunerStopper):
    """
    Ends a trial that got no better for a while; or lets another stopper do so only then.

    Args:
        way: Whether the metric is to be small or large.

        seed: Makes what the other stopper does repeatable.

        patience: For how many reports a trial may get no better.

        min_delta: By how much it has to get worse to count.

        then: The name of the stopper that decides then; ``None`` for ending the trial.

        then_config: Its settings.

    Raises:
        StudyError: If a setting breaks a rule.

        UnknownPluginError: If no stopper has the name *then*.
    """

    def __init__(
        self,
        way: Optim,
        *,
        seed: int = 0,
        patience: int = 10,
        min_delta: float = 0.0,
        then: str | None = None,
        then_config: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(way, seed=seed)
        self._patience = count(self, "patience", patience, 0)
        self._delta = number(self, "min_delta", min_delta, 0)
        if then is None and then_config:
            raise StudyError("Patient: then_config must go with then, the stopper it is for.")
        self._then = None
        if then is not None:
            from espalier.plugins import current_host

            kind = current_host().stoppers[then]
            self._then = kind.make(way, seed=seed, **(then_config or {}))

    def stops(self, trial: TrialRecord, others: Sequence[TrialRecord]) -> bool:
        # The patience looks at the trial alone.
        if not super().stops(trial, ()):
            return False
        return self._then is None or self._then.stops(trial, others)

    def _pruner(self) -> BasePruner | None:
        return PatientPruner(None, self._patience, self._delta)
