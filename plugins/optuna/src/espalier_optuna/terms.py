"""What Optuna calls things that Espalier calls otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optuna.study import StudyDirection
from optuna.trial import TrialState as OptunaState

from espalier.sampling import Optim, TrialState


if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DIRECTIONS", "STATES"]

#: How a trial stands; of what failed and what was invalid, Optuna has one word for both.
STATES: Mapping[TrialState, OptunaState] = {
    TrialState.WAITING: OptunaState.WAITING,
    TrialState.RUNNING: OptunaState.RUNNING,
    TrialState.COMPLETE: OptunaState.COMPLETE,
    TrialState.STOPPED_EARLY: OptunaState.PRUNED,
    TrialState.FAILED: OptunaState.FAIL,
    TrialState.INVALID: OptunaState.FAIL,
}

#: Whether a metric is to be small or large.
DIRECTIONS: Mapping[Optim, StudyDirection] = {
    Optim.MIN: StudyDirection.MINIMIZE,
    Optim.MAX: StudyDirection.MAXIMIZE,
}
