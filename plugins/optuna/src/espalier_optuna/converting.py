"""A copy of a study, as Optuna's own tools take it, whatever store it is in."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import TrialState as OptunaState

from espalier.errors import EspalierError, StudyError

from .leaves import distribution_of, labels
from .quiet import quiet
from .terms import DIRECTIONS, STATES


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from espalier.domains import Domain
    from espalier.sampling import TrialRecord
    from espalier.studies import StudyView

__all__ = ["copy_of"]


def copy_of(study: StudyView) -> optuna.Study:
    """
    Return a study of Optuna's, in memory, with all trials of *study* under the same numbers.

    Args:
        study: It may have conditional parameters, several metrics and constraints.
    """
    trials = study.trials
    parts = [_parts(study, record) for record in trials]
    codes = _codes(study.space.leaves, parts)
    ways = [DIRECTIONS[way] for way in study.metrics.values()]
    with quiet(), warnings.catch_warnings():
        # Trials with constraints, and those of other versions, make Optuna warn of itself.
        warnings.simplefilter("ignore")
        copy = optuna.create_study(directions=ways, study_name=study.name)
        copy.add_trials(
            [_trial(study, record, one, codes) for record, one in zip(trials, parts, strict=True)]
        )
        return copy


def _parts(study: StudyView, record: TrialRecord) -> dict[str, Any]:
    try:
        return study.space.parts(record.config)
    except (EspalierError, KeyError):
        # A configuration of other software: what it holds is shown as it is.
        return dict(record.config)


class _Code:
    """How the values of one parameter stand before Optuna."""

    def __init__(self, name: str, domain: Domain | None, values: Sequence[Any]) -> None:
        self._places: dict[str, int] = {}
        self.distribution = self._of_domain(name, domain, values) or self._of_values(values)

    def _of_domain(
        self, name: str, domain: Domain | None, values: Sequence[Any]
    ) -> BaseDistribution | None:
        if domain is None:
            return None
        try:
            places = [domain.index(v) if domain.size is not None else 0 for v in values]
            found = distribution_of(domain, name)
        except (StudyError, EspalierError):
            return None
        self._places = dict(zip(map(repr, values), places, strict=True))
        return found

    def _of_values(self, values: Sequence[Any]) -> BaseDistribution:
        known = {repr(value): value for value in values}
        self._places = {text: place for place, text in enumerate(known)}
        return CategoricalDistribution(labels(list(known.values())))

    def value(self, value: Any) -> Any:
        if isinstance(self.distribution, CategoricalDistribution):
            return self.distribution.choices[self._places[repr(value)]]
        return value


def _codes(leaves: Mapping[str, Domain], parts: Sequence[Mapping[str, Any]]) -> dict[str, _Code]:
    values: dict[str, list[Any]] = {}
    for one in parts:
        for name, value in one.items():
            values.setdefault(name, []).append(value)
    ordered = [*(n for n in leaves if n in values), *(n for n in values if n not in leaves)]
    return {name: _Code(name, leaves.get(name), values[name]) for name in ordered}


def _trial(
    study: StudyView, record: TrialRecord, parts: Mapping[str, Any], codes: Mapping[str, _Code]
) -> optuna.trial.FrozenTrial:
    values = [record.metrics.get(name, math.nan) for name in study.metrics]
    is_whole = not any(map(math.isnan, values))
    state = STATES[record.state]
    if state is OptunaState.COMPLETE and not is_whole:
        state = OptunaState.FAIL
    keeps = is_whole and state in {OptunaState.COMPLETE, OptunaState.PRUNED}
    over = {
        f"constraints:{name}": record.metrics[name] - bound
        for name, bound in study.constraints.items()
        if name in record.metrics and not math.isnan(record.metrics[name])
    }
    return optuna.create_trial(
        state=state,
        values=values if keeps else None,
        params={name: codes[name].value(parts[name]) for name in codes if name in parts},
        distributions={name: codes[name].distribution for name in codes if name in parts},
        user_attrs={"reason": record.reason} if record.reason else {},
        system_attrs=over,
        intermediate_values=dict(record.steps),
    )
