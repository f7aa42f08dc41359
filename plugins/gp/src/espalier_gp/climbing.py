"""Go uphill from several points at once, by what is learned of the curvature."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, final

import attrs
import numpy as np


if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Box", "Climbed", "Judge", "Steps", "climb"]

#: Tells how good points are and their slopes, of shapes ``(m,)`` and ``(m, d)``, given the points,
#: shape ``(m, d)``, and the places of their starts, ``(m,)``.
Judge: TypeAlias = "Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]"

#: A step must gain this part of what the slope promises.
_SUFFICIENT = 1e-4

#: A start is done if no step gains that is longer than this part of one.
_SHORTEST = 1e-6

#: The least cosine of the angle between a step and the slope, and between a step and what it
#: changed of the slope.
_UPHILL, _BENT = 1e-12, 1e-10

#: So near to a side, in shares of the box, a column is at it.
_SIDE = 1e-9

#: So that nothing is divided by 0.
_TINY = 1e-300


@final
@attrs.frozen(eq=False)
class Box:
    """
    Where steps may lead.

    Attributes:
        lower: The least of each column. Shape ``(d,)``.

        upper: The most of each column. Shape ``(d,)``.
    """

    lower: np.ndarray
    upper: np.ndarray


@final
@attrs.frozen
class Steps:
    """
    How far steps go, and when there are no more.

    Attributes:
        stride: The most that a column moves in one step.

        first: The most that it moves in the first, whose size nothing tells.

        enough: A start is done where a step promises less gain than this.

        iterations: How many evaluations at most, after the first.
    """

    stride: float
    first: float
    enough: float
    iterations: int


@final
@attrs.frozen(eq=False)
class Climbed:
    """
    Where steps led to.

    Attributes:
        points: Shape ``(k, d)``.

        values: How good they are. Shape ``(k,)``.

        curvature: The inverse of the negative curvature of each, as far as it was learned; 0
            where nothing was. Shape ``(k, d, d)``.
    """

    points: np.ndarray
    values: np.ndarray
    curvature: np.ndarray


def climb(
    judge: Judge,
    starts: np.ndarray,
    free: np.ndarray,
    box: Box,
    steps: Steps,
    curvature: np.ndarray | None = None,
) -> Climbed:
    """
    Return where BFGS steps lead to from each start, within a box.

    Each start has its own curvature and its own length of step, but all are evaluated together:
    what an evaluation costs hardly depends on how many they are.

    Args:
        judge: What is to be large; minus infinity where it is undefined.

        starts: Where to begin. Shape ``(k, d)``.

        free: Which columns of which start may move. Shape ``(k, d)``.

        box: Where columns that move have to stay.

        steps: How far they go, and how many there are.

        curvature: What is known from before, as in `Climbed`.

    Returns:
        What is found; none has a smaller value than its start, moved into the box, had.

    Source:
        Bertsekas, *Projected Newton Methods for Optimization Problems with Simple Constraints*,
        SIAM J. Control and Optimization 20 (1982); Nocedal and Wright, *Numerical Optimization*,
        2nd ed., equation 6.17.
    """
    lower, upper = box.lower, box.upper
    margin = _SIDE * (upper - lower)
    points = np.where(free, np.clip(starts, lower, upper), starts)
    values, slopes = judge(points, np.arange(len(points)))
    bends = np.zeros((*starts.shape, starts.shape[1])) if curvature is None else curvature.copy()
    length = np.ones(len(starts))
    going = np.isfinite(values) & free.any(1)
    for _ in range(steps.iterations):
        at = np.flatnonzero(going)
        here, slope = points[at], slopes[at]
        able = (here - lower > margin) | (slope > 0.0)
        able &= (upper - here > margin) | (slope < 0.0)
        able &= free[at]
        slope = np.where(able, slope, 0.0)
        step = _direction(bends[at], slope, able, here, box, steps)
        hopeful = (slope * step).sum(1) > steps.enough
        going[at[~hopeful]] = False
        at, here, slope, able, step = (one[hopeful] for one in (at, here, slope, able, step))
        if not len(at):
            break
        there = np.where(able, np.clip(here + length[at, None] * step, lower, upper), here)
        value, new = judge(there, at)
        promised = (slope * (there - here)).sum(1)
        gain = value - values[at]
        good = gain >= _SUFFICIENT * promised
        length[at] = np.where(good, 1.0, length[at] * _shortened(promised, gain))
        going[at] = good | (length[at] > _SHORTEST)
        at, there, here, value, new = (one[good] for one in (at, there, here, value, new))
        bends[at] = _learned(bends[at], there - here, slopes[at], new)
        points[at], values[at], slopes[at] = there, value, new
    return Climbed(points, values, bends)


def _direction(
    curvature: np.ndarray,
    slope: np.ndarray,
    able: np.ndarray,
    here: np.ndarray,
    box: Box,
    steps: Steps,
) -> np.ndarray:
    """
    Return steps that stay in the box, to the top of what is known of the score within it.

    Columns that would leave the box end at its side, or all end where the first does.

    Args:
        curvature: As in `_learned`. Shape ``(k, d, d)``.

        slope: 0 where a column is not able to move. Shape ``(k, d)``.

        able: Which columns may move. Shape ``(k, d)``.

        here: Where the steps begin. Shape ``(k, d)``.

        box: Where they have to end.

        steps: How far they go.
    """
    down, up = box.lower - here, box.upper - here
    first = steps.first / np.maximum(np.abs(slope).max(1), _TINY)
    known = curvature.any((1, 2)).reshape(-1, 1, 1)
    alike = first[:, None, None] * np.eye(slope.shape[1])
    curvature = np.where(known, curvature, alike)
    newton = (curvature @ slope[:, :, None])[:, :, 0]
    newton = newton * _limit(np.where(able, newton, 0.0), steps.stride)
    stay = np.zeros(slope.shape)
    step = newton if able.all() else _given(newton, curvature, ~able, stay)
    if ((step < down) | (step > up)).any():
        cut = _cut(step, down, up)
        bent = _bent(newton, curvature, able, down, up)
        more = _gain(bent, curvature, slope) > _gain(cut, curvature, slope)
        step = np.where(more[:, None], bent, cut)
    step = np.where(able, np.clip(step * _limit(step, steps.stride), down, up), 0.0)
    steepest, longest = np.abs(slope).max(1), np.abs(step).max(1)
    uphill = np.greater((step * slope).sum(1), _UPHILL * steepest * longest)
    return np.where(uphill[:, None], step, np.clip(slope * first[:, None], down, up))


def _cut(step: np.ndarray, down: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Return steps that end where the first column meets its side."""
    room = np.where(step < 0.0, down, up) / np.where(step == 0.0, np.inf, step)
    room = np.where(step == 0.0, 1.0, room)
    return step * np.minimum(room.min(1, keepdims=True), 1.0)


def _bent(
    newton: np.ndarray, curvature: np.ndarray, able: np.ndarray, down: np.ndarray, up: np.ndarray
) -> np.ndarray:
    """Return steps whose columns that would leave end at their side, where others allow for it."""
    step, ends, fixed = newton, np.zeros(newton.shape), ~able
    for _ in range(newton.shape[1] + 1):
        step = _given(newton, curvature, fixed, ends)
        over = ~fixed & ((step < down) | (step > up))
        if not over.any():
            break
        ends = np.where(over, np.clip(step, down, up), ends)
        fixed = fixed | over
    return step


def _gain(step: np.ndarray, curvature: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Return what steps gain, by what is known of the curvature. Shape ``(k,)``."""
    pull = _solved(curvature, step[:, :, None])[:, :, 0]
    gained: np.ndarray = (step * (slope - 0.5 * pull)).sum(1)
    return gained


def _limit(steps: np.ndarray, stride: float) -> np.ndarray:
    """Return what makes steps short enough. Shape ``(k, 1)``."""
    return np.minimum(1.0, stride / np.maximum(np.abs(steps).max(1, keepdims=True), _TINY))


def _given(
    step: np.ndarray, curvature: np.ndarray, fixed: np.ndarray, ends: np.ndarray
) -> np.ndarray:
    """Return the best steps whose *fixed* columns are *ends*: means of a conditional normal."""
    pairs = fixed[:, :, None] & fixed[:, None, :]
    among = np.where(pairs, curvature, np.eye(step.shape[1]))
    missed = np.where(fixed, ends - step, 0.0)[:, :, None]
    pull = np.where(fixed[:, :, None], _solved(among, missed), 0.0)
    return np.where(fixed, ends, step + (curvature @ pull)[:, :, 0])


def _solved(matrices: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return solutions, or no numbers if a matrix is singular: steps then go along the slope."""
    try:
        return np.linalg.solve(matrices, right)
    except np.linalg.LinAlgError:
        return np.full(right.shape, np.nan)


def _shortened(promised: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """Return what to shorten steps by: to the top of the parabola through what is known."""
    missed = np.where(np.isfinite(gain), promised - gain, np.inf)
    return np.clip(0.5 * promised / np.maximum(missed, _TINY), 0.1, 0.5)


def _learned(
    curvature: np.ndarray, steps: np.ndarray, before: np.ndarray, after: np.ndarray
) -> np.ndarray:
    """
    Return the inverse of the negative curvature after what steps showed of it.

    Args:
        curvature: All 0 before the first. Shape ``(k, d, d)``.

        steps: Shape ``(k, d)``.

        before: The slopes where the steps began. Shape ``(k, d)``.

        after: The slopes where they ended. Shape ``(k, d)``.
    """
    changes, alike = before - after, np.eye(steps.shape[1])
    along, size = (steps * changes).sum(1), (changes * changes).sum(1)
    bent = np.greater(along, _BENT * np.sqrt((steps * steps).sum(1) * size)).reshape(-1, 1, 1)
    along, size = (np.where(bent, one.reshape(-1, 1, 1), 1.0) for one in (along, size))
    known = curvature.any((1, 2)).reshape(-1, 1, 1)
    # Where the slope grows, as at the foot of a hill, steps are too short.
    ratio = np.abs(steps).max(1) / np.maximum(np.abs(before).max(1), _TINY)
    longer = 2.0 * np.where(known, curvature, ratio.reshape(-1, 1, 1) * alike)
    curvature = np.where(known, curvature, along / size * alike)
    across, pulled = steps[:, :, None], curvature @ changes[:, :, None]
    factor = (1.0 + changes[:, None, :] @ pulled / along) / along
    outer = across @ pulled.transpose(0, 2, 1)
    outer = outer + outer.transpose(0, 2, 1)
    learned = curvature + factor * across @ across.transpose(0, 2, 1) - outer / along
    return np.where(bent, learned, longer)
