"""Run an objective, and make of what it does how the trial ended."""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, final

import attrs

from ..errors import ObjectiveError, nearest
from ..sampling import TrialState
from ..sampling.metrics import is_real
from .trial import Trial, TrialStopped


__all__ = ["Objective", "Outcome", "judged", "outcome_of"]

#: Judges a trial: one number, one for each metric in order, or metrics by name.
Objective: TypeAlias = Callable[[Trial], "float | Sequence[float] | Mapping[str, float]"]


@final
@attrs.frozen
class Outcome:
    """
    How a trial ended.

    Args:
        state: Complete, stopped early or failed.

        metrics: Its results by name.

        reason: Why it failed.

        trace: Where, as Python prints it.

        killed: Whether its process ended before it did.
    """

    state: TrialState
    metrics: dict[str, float] = attrs.field(factory=dict)
    reason: str = ""
    trace: str = ""
    killed: bool = False


def outcome_of(objective: Objective, trial: Trial, metrics: Sequence[str]) -> Outcome:
    """
    Return how *trial* ended. An interrupt passes; whatever else the objective raises does not.

    By an `ObjectiveError`, an objective says in its own words why there is no result.

    Args:
        objective: Judges the trial.

        trial: What it is given.

        metrics: The names of its results, in order.
    """
    try:
        given = objective(trial)
    except TrialStopped:
        last = list(trial.steps.values())[-1:]
        found = dict(zip(metrics[:1], last, strict=False))
        return Outcome(TrialState.STOPPED_EARLY, found if _all_finite(found) else {})
    except ObjectiveError as error:
        return Outcome(TrialState.FAILED, {}, str(error), traceback.format_exc())
    except (Exception, SystemExit) as error:  # noqa: BLE001 - an objective may raise anything
        reason = f"raised {type(error).__name__}: {error}"
        return Outcome(TrialState.FAILED, {}, reason, traceback.format_exc())
    try:
        return Outcome(TrialState.COMPLETE, judged(given, metrics))
    except ObjectiveError as error:
        return Outcome(TrialState.FAILED, {}, str(error))


def judged(given: Any, metrics: Sequence[str]) -> dict[str, float]:
    """
    Return the metrics of what an objective returned.

    Args:
        given: One number, one for each metric, or metrics by name.

        metrics: The names, in order.

    Raises:
        ObjectiveError: If there are too few or too many, or one is no finite number.
    """
    names = ", ".join(metrics)
    if isinstance(given, Mapping):
        wrong = [name for name in given if name not in metrics]
        if wrong:
            hint = nearest(str(wrong[0]), metrics)
            raise ObjectiveError(
                f"the objective returned {wrong[0]!r}, which is no metric of the study.{hint} "
                f"It has {names}."
            )
        values = [given.get(name) for name in metrics]
    else:
        values = list(given) if isinstance(given, (list, tuple)) else [given]
    if len(values) != len(metrics) or given is None:
        raise ObjectiveError(
            f"the objective must return one number for each of {names}; it returned {given!r}."
        )
    return {name: _finite(name, value) for name, value in zip(metrics, values, strict=True)}


def _finite(name: str, value: Any) -> float:
    item = getattr(value, "item", None)
    number = item() if callable(item) and getattr(value, "size", None) is not None else value
    if not is_real(number):
        raise ObjectiveError(f"{name} must be a number, the objective returned {value!r}.")
    if not math.isfinite(number):
        raise ObjectiveError(f"{name} must be finite, the objective returned {float(number)}.")
    return float(number)


def _all_finite(metrics: Mapping[str, float]) -> bool:
    return all(map(math.isfinite, metrics.values()))
