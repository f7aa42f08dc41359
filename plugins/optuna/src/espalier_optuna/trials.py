"""The trials that Optuna's samplers and pruners look at, kept in memory."""

from __future__ import annotations

import bisect
import copy
import datetime as dt
from typing import TYPE_CHECKING, Any, NoReturn, final

from optuna.storages import BaseStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState


if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from optuna.distributions import BaseDistribution
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler
    from optuna.study import StudyDirection
    from optuna.study._frozen import FrozenStudy

__all__ = ["Trials", "frozen"]

#: When every trial began and ended; no algorithm reads it.
_SOME_TIME = dt.datetime(2000, 1, 1)  # noqa: DTZ001 - as Optuna has it


def frozen(  # noqa: PLR0913 - what Optuna knows of a trial
    number: int,
    state: TrialState = TrialState.RUNNING,
    *,
    params: Mapping[str, Any] | None = None,
    distributions: Mapping[str, BaseDistribution] | None = None,
    values: Sequence[float] | None = None,
    steps: Mapping[int, float] | None = None,
    noted: Mapping[str, Any] | None = None,
) -> FrozenTrial:
    """
    Return a trial as Optuna has it.

    Args:
        number: Which one it is.

        state: How it stands.

        params: Its values, as Optuna has them.

        distributions: What they were chosen from.

        values: Its results.

        steps: What it reported, by step.

        noted: Its system attributes.
    """
    return FrozenTrial(
        number=number,
        trial_id=number,
        state=state,
        value=None,
        values=values,
        datetime_start=_SOME_TIME,
        datetime_complete=_SOME_TIME if state.is_finished() else None,
        params=dict(params or {}),
        distributions=dict(distributions or {}),
        user_attrs={},
        system_attrs=dict(noted or {}),
        intermediate_values=dict(steps or {}),
    )


@final
class Trials(BaseStorage):
    """
    One study in memory, whose trials may have any numbers, be taken away, and be replaced.

    Args:
        directions: Of its metrics.

        name: Of the study.
    """

    def __init__(self, directions: Sequence[StudyDirection], name: str = "espalier") -> None:
        self.noted: dict[str, Any] = {}
        self._directions = list(directions)
        self._name = name
        self._numbers: list[int] = []
        self._trials: dict[int, FrozenTrial] = {}

    def __contains__(self, number: object) -> bool:
        return number in self._trials

    def __getitem__(self, number: int) -> FrozenTrial:
        return self._trials[number]

    def put(self, trial: FrozenTrial) -> None:
        """Keep a trial, in place of the one of that number if there is one."""
        if trial.number not in self._trials:
            bisect.insort(self._numbers, trial.number)
        self._trials[trial.number] = trial

    def take(self, number: int) -> None:
        """Forget a trial."""
        del self._trials[number]
        self._numbers.remove(number)

    def study(self, sampler: BaseSampler, pruner: BasePruner | None = None) -> Study:
        """Return a study of these trials, for one decision: what it looks up it keeps."""
        return Study(self._name, self, sampler, pruner)

    # --- What Optuna reads and writes. ----------------------------------------------------------

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        del study_id
        found = [self._trials[number] for number in self._numbers]
        if states is not None:
            found = [trial for trial in found if trial.state in states]
        return copy.deepcopy(found) if deepcopy else found

    def get_trial(self, trial_id: int) -> FrozenTrial:
        return self._trials[trial_id]

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        # Whoever has a list of trials sees them as they were, as in Optuna's own storages.
        trial = copy.copy(self._trials[trial_id])
        trial.system_attrs = {**trial.system_attrs, key: value}
        self._trials[trial_id] = trial

    def get_study_id_from_name(self, study_name: str) -> int:
        del study_name
        return 0

    def get_study_name_from_id(self, study_id: int) -> str:
        del study_id
        return self._name

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        del study_id
        return self._directions

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        del study_id
        return self.noted

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        del study_id
        self.noted[key] = value

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        del study_id
        return {}

    # --- What is not Optuna's to do here. -------------------------------------------------------

    def get_all_studies(self) -> list[FrozenStudy]:
        _refuse()

    def create_new_study(
        self, directions: Sequence[StudyDirection], study_name: str | None = None
    ) -> int:
        _refuse(directions, study_name)

    def delete_study(self, study_id: int) -> None:
        _refuse(study_id)

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        _refuse(study_id, key, value)

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        _refuse(study_id, template_trial)

    def set_trial_param(
        self,
        trial_id: int,
        param_name: str,
        param_value_internal: float,
        distribution: BaseDistribution,
    ) -> None:
        _refuse(trial_id, param_name, param_value_internal, distribution)

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        _refuse(trial_id, state, values)

    def set_trial_intermediate_value(
        self, trial_id: int, step: int, intermediate_value: float
    ) -> None:
        _refuse(trial_id, step, intermediate_value)

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        _refuse(trial_id, key, value)


def _refuse(*_: object) -> NoReturn:
    raise NotImplementedError("samplers and pruners only look at trials")
