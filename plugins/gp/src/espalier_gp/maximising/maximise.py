"""Candidates from all over the space, then steps uphill, then steps to discrete neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import attrs
import numpy as np

from ..checks import plain, whole
from .ascent import Score, ascend, scores


if TYPE_CHECKING:
    from ..encoding import Encoder

__all__ = ["Effort", "Region", "maximise"]


def _count(default: int, least: int) -> Any:
    return attrs.field(default=default, converter=plain, validator=whole("Effort", least))


@final
@attrs.frozen
class Effort:
    """
    How much is done for a suggestion.

    Attributes:
        everywhere: Candidates drawn from the whole space, at least 1.

        nearby: Candidates drawn around the best points so far.

        starts: Candidates that are improved, at least 1.

        iterations: Steps uphill at most.

        rounds: How often discrete neighbours are looked at; with 0, no candidate is improved.

    Raises:
        SamplerError: If one is no integer, or too small.
    """

    everywhere: int = _count(512, least=1)
    nearby: int = _count(256, least=0)
    starts: int = _count(6, least=1)
    iterations: int = _count(30, least=0)
    rounds: int = _count(4, least=0)


@final
@attrs.frozen(eq=False)
class Region:
    """
    Where is looked.

    Attributes:
        lower: The least of each column. Shape ``(d,)``.

        upper: The most of each column. Shape ``(d,)``.
    """

    lower: np.ndarray
    upper: np.ndarray

    def clip(self, points: np.ndarray) -> np.ndarray:
        """Return *points*, moved into the region."""
        return np.clip(points, self.lower, self.upper)


def maximise(
    score: Score,
    encoder: Encoder,
    best: np.ndarray,
    region: Region,
    effort: Effort,
    seed: int,
) -> np.ndarray:
    """
    Return valid points, that with the largest score first.

    Args:
        score: What is to be large.

        encoder: The space.

        best: The best points so far, around which is looked, too. Shape ``(k, d)``.

        region: Where is looked.

        effort: How much is done.

        seed: Of the candidates.

    Returns:
        Shape ``(m, d)``, each a configuration's encoding.
    """
    found = candidates(encoder, best, region, effort, seed)
    values = scores(score, found)
    order = np.argsort(-values, kind="stable")
    found, values = found[order], values[order]
    chosen = found[_apart(found, values, effort.starts)]
    lower, upper = region.lower, region.upper
    for _ in range(effort.rounds):
        free = encoder.active(chosen) & encoder.continuous
        chosen = encoder.snap(ascend(score, chosen, free, lower, upper, effort.iterations))
        if encoder.continuous.all():
            break
        chosen, moved = _stepped(score, encoder, chosen, seed)
        if not moved:
            break
    everything = np.concatenate([chosen, found])
    values = np.concatenate([scores(score, chosen), values])
    return everything[np.argsort(-values, kind="stable")]


def candidates(
    encoder: Encoder, best: np.ndarray, region: Region, effort: Effort, seed: int
) -> np.ndarray:
    """Return points from the whole region, and from around the best. Shape ``(m, d)``."""
    spread = encoder.draw(effort.everywhere, seed)
    whole = (region.lower <= 0.0).all() and (region.upper >= 1.0).all()
    if not whole:
        size = region.upper - region.lower
        spread = encoder.snap(region.lower + spread * size)
    found = [spread]
    if len(best):
        half = effort.nearby // 2
        for at, scale in enumerate((0.1, 0.01)):
            found.append(encoder.near(best, half, seed + 1 + at, scale))
    everything = np.concatenate(found)
    return everything if whole else encoder.snap(region.clip(everything))


def _apart(points: np.ndarray, values: np.ndarray, count: int) -> list[int]:
    """
    Return the places of good points that are not all in one place.

    Args:
        points: The best first. Shape ``(m, d)``.

        values: Their scores.

        count: How many.
    """
    able = min(len(points), 32 * count)
    chosen = [0]
    nearest = np.abs(points[:able] - points[0]).max(1)
    least = 0.1
    while len(chosen) < min(count, able):
        far = np.flatnonzero((nearest > least) & np.isfinite(values[:able]))
        if not len(far):
            if least < 1e-3:  # noqa: PLR2004 - there are no more places than those
                break
            least /= 3.0
            continue
        chosen.append(int(far[0]))
        nearest = np.minimum(nearest, np.abs(points[:able] - points[far[0]]).max(1))
    return chosen


def _stepped(
    score: Score, encoder: Encoder, points: np.ndarray, seed: int
) -> tuple[np.ndarray, bool]:
    """Return for each point its best discrete neighbour, if that is better, and if any was."""
    around = [encoder.neighbours(point, seed=seed) for point in points]
    own = scores(score, points)
    near = scores(score, np.concatenate(around)) if any(map(len, around)) else own[:0]
    found, moved, at = points.copy(), False, 0
    for place, some in enumerate(around):
        values = near[at : at + len(some)]
        at += len(some)
        if len(some) and values.max() > own[place]:
            found[place] = some[int(values.argmax())]
            moved = True
    return found, moved
