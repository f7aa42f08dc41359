"""What trials reported on their way, as observations of a smaller fidelity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np


if TYPE_CHECKING:
    from collections.abc import Sequence

    from .observations import Observation

__all__ = ["is_worth_it", "rungs"]

#: How many reports of a trial are used at most.
_MOST = 3


def is_worth_it(seen: Sequence[Observation]) -> bool:
    """Whether a trial that has no result yet, or never will, reported something."""
    return any(one.steps and one.values is None for one in seen)


def rungs(seen: Sequence[Observation]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """
    Return what trials reported and ended with, each with its fidelity as one more column.

    The fidelity is the share of the largest step anybody reported, so 1 for an end. Of the
    reports of a trial the last is used, that at half of its step, and that at a quarter. A trial
    that is lost ended as badly as the worst.

    Args:
        seen: All trials; one at least has results.

    Returns:
        The points, shape ``(n, d + 1)``; the values, shape ``(n,)``; and which trial each is the
        end of, -1 for a report, shape ``(n,)``.
    """
    longest = max((one.steps[-1][0] for one in seen if one.steps), default=1) or 1
    worst = max(one.values[0] for one in seen if one.values is not None)
    points, values, ends = [], [], []
    for number, one in enumerate(seen):
        reports = _some(one.steps)
        if one.values is not None:
            reports = [(step, value) for step, value in reports if step < longest]
        for step, value in reports:
            points.append(np.append(one.point, max(0.0, step / longest)))
            values.append(value)
            ends.append(-1)
        if one.values is not None or one.is_lost:
            points.append(np.append(one.point, 1.0))
            values.append(worst if one.values is None else one.values[0])
            ends.append(number)
    return np.stack(points), np.array(values), np.array(ends)


def _some(steps: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Return the last report, and those nearest to a half and to a quarter of its step."""
    found: dict[int, float] = {}
    if steps:
        last = steps[-1][0]
        for at in range(_MOST):
            wanted = last / 2**at
            step, value = min(steps, key=lambda report: abs(report[0] - wanted))
            found[step] = value
    return sorted(found.items())
