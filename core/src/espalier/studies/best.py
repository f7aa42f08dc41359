"""Which trials are the best."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..sampling import TrialState


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..sampling import Optim, TrialRecord

__all__ = ["best_of", "is_feasible", "pareto_front"]


def is_feasible(record: TrialRecord, constraints: Mapping[str, float]) -> bool:
    """Whether a trial breaks no upper bound."""
    return all(record.metrics.get(name, math.inf) <= bound for name, bound in constraints.items())


def _candidates(
    records: Sequence[TrialRecord], constraints: Mapping[str, float]
) -> list[TrialRecord]:
    return [
        record
        for record in records
        if record.state is TrialState.COMPLETE and is_feasible(record, constraints)
    ]


def best_of(
    records: Sequence[TrialRecord],
    metrics: Mapping[str, Optim],
    constraints: Mapping[str, float],
    metric: str,
) -> TrialRecord | None:
    """
    Return the best complete trial by one metric; of equal ones, the earliest.

    Args:
        records: The trials.

        metrics: Whether each metric is to be small or large.

        constraints: Upper bounds that the best does not break.

        metric: The metric that counts.
    """
    found = _candidates(records, constraints)
    sign = metrics[metric].sign
    return min(found, key=lambda record: sign * record.metrics[metric], default=None)


def pareto_front(
    records: Sequence[TrialRecord],
    metrics: Mapping[str, Optim],
    constraints: Mapping[str, float],
) -> list[TrialRecord]:
    """
    Return the complete trials that no other beats in one metric without losing in another.

    Args:
        records: The trials.

        metrics: Whether each metric is to be small or large.

        constraints: Upper bounds that none of them breaks.

    Returns:
        In the order of their numbers; of trials with the same results, all.
    """
    found = _candidates(records, constraints)
    points = [tuple(way.sign * r.metrics[n] for n, way in metrics.items()) for r in found]
    front: list[tuple[float, ...]] = []
    # In lexical order, whatever beats a point comes before it.
    for point in sorted(set(points)):
        if not any(all(a <= b for a, b in zip(one, point, strict=True)) for one in front):
            front.append(point)
    kept = set(front)
    return [record for record, point in zip(found, points, strict=True) if point in kept]
