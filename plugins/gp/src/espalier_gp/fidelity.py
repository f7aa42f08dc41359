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


def rungs(seen: Sequence[Observation]) -> tuple[np.ndarray, np.ndarray]:
    """
    Return what trials reported and ended with, each with its fidelity as one more column.

    The fidelity is the share of the largest step anybody reported, so 1 for an end. Of the
    reports of a trial the last is used, that at half of its step, and that at a quarter.

    Args:
        seen: All trials.

    Returns:
        The points, shape ``(n, d + 1)``, and the values, shape ``(n,)``.
    """
    longest = max((one.steps[-1][0] for one in seen if one.steps), default=1) or 1
    points, values = [], []
    for one in seen:
        reports = _some(one.steps)
        if one.values is not None:
            reports = [(step, value) for step, value in reports if step < longest]
        for step, value in reports:
            points.append(np.append(one.point, max(0.0, step / longest)))
            values.append(value)
        if one.values is not None:
            points.append(np.append(one.point, 1.0))
            values.append(one.values[0])
    return np.stack(points), np.array(values)


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
