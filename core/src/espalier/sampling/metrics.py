"""Check what a sampler is told of a trial."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import SamplerError, nearest
from .state import TrialState


if TYPE_CHECKING:
    from .state import Optim

__all__ = ["as_metrics", "check_constraints", "check_metrics"]


def is_real(value: object) -> bool:
    """Whether *value* is a number of Python or NumPy, but no bool."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def check_constraints(given: Mapping[str, float] | None) -> dict[str, float]:
    """
    Return upper bounds of metrics.

    Raises:
        SamplerError: If one is no number.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping) or not all(
        isinstance(name, str) and is_real(bound) and math.isfinite(bound)
        for name, bound in given.items()
    ):
        raise SamplerError(
            f"constraints must map metrics to upper bounds, as in {{'latency_ms': 3.0}}; "
            f"got {given!r}."
        )
    return {name: float(bound) for name, bound in given.items()}


def as_metrics(given: Any, names: Sequence[str]) -> dict[str, float] | None:
    """
    Return metrics by name.

    Args:
        given: By name already; or one number for each of *names*.

        names: The metrics, in order. Without any, a single number is called ``score``.

    Raises:
        SamplerError: If the numbers are not as many as the names.
    """
    if given is None:
        return None
    if isinstance(given, Mapping):
        return dict(given)
    names = list(names) or ["score"]
    values = list(given) if isinstance(given, (list, tuple)) else [given]
    if len(values) != len(names):
        raise SamplerError(
            f"there must be one number for each of {', '.join(names)}; got {given!r}."
        )
    return dict(zip(names, values, strict=True))


def check_metrics(
    given: Mapping[str, float] | None,
    state: TrialState,
    known: Mapping[str, Optim],
    constraints: Mapping[str, float],
    trial_id: int,
) -> dict[str, float]:
    """
    Return what a trial was told to have, as plain floats.

    Args:
        given: By name, or ``None``.

        state: How the trial stands; one that is complete has every metric.

        known: The metrics that are optimised; empty where any may be told.

        constraints: Further metrics that are known.

        trial_id: The trial, for messages.

    Raises:
        SamplerError: If a metric is unknown, missing or no number, or *state* is no `TrialState`.
    """
    if not isinstance(state, TrialState):
        states = ", ".join(f"TrialState.{one.name}" for one in TrialState)
        raise SamplerError(f"Trial {trial_id}: state must be one of {states}; got {state!r}.")
    if given is not None and not isinstance(given, Mapping):
        raise SamplerError(f"Trial {trial_id}: metrics must map names to numbers, got {given!r}.")
    told = {name: _as_number(trial_id, name, value) for name, value in (given or {}).items()}
    names = [*known, *(name for name in constraints if name not in known)]
    for name in told:
        if known and name not in names:
            raise SamplerError(
                f"Trial {trial_id}: no metric is named {name!r}."
                f"{nearest(str(name), names)} It has {', '.join(names)}."
            )
    missing = [name for name in names if name not in told]
    if state is TrialState.COMPLETE and (missing if known else not told):
        lacking = ", ".join(missing) or "a metric"
        raise SamplerError(
            f"Trial {trial_id}: a complete trial must have {lacking}; got {given!r}. Tell it as "
            f"TrialState.FAILED if there is no result."
        )
    return told


def _as_number(trial_id: int, name: object, value: object) -> float:
    try:
        if is_real(value):
            return float(value)  # type: ignore[arg-type]
    except OverflowError:
        pass
    raise SamplerError(f"Trial {trial_id}: {name} must be a number, got {value!r}.")
