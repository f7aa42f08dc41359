"""What a sampler was told, as points and numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, final

import attrs

from espalier.sampling import TrialState


if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from espalier.sampling import Optim, TrialRecord

__all__ = ["Observation", "Observations"]


@final
@attrs.frozen(eq=False)
class Observation:
    """
    A trial as a point, and what became of it.

    Attributes:
        point: Its configuration's encoding. Shape ``(d,)``.

        values: Its objectives, each to be small; all finite, or ``None`` if the trial has failed,
            was stopped early or runs.

        bounded: The metrics that have an upper bound; finite, or ``None`` as *values*.

        failed: Whether it ended without results.

        steps: What it reported of its first objective, to be small, by step; nothing of a trial
            that failed otherwise than by being stopped early.
    """

    point: np.ndarray
    values: tuple[float, ...] | None = None
    bounded: tuple[float, ...] | None = None
    failed: bool = False
    steps: tuple[tuple[int, float], ...] = ()

    @property
    def is_pending(self) -> bool:
        """Whether the trial has not ended."""
        return self.values is None and not self.failed

    @property
    def is_lost(self) -> bool:
        """Whether it ended and tells nothing but that, and so counts as bad as the worst."""
        return self.failed and not self.steps


@final
class Observations:
    """
    All trials in the order of their numbers.

    Args:
        ways: Whether each objective is to be small or large.

        constraints: Upper bounds of metrics.
    """

    def __init__(self, ways: Mapping[str, Optim], constraints: Mapping[str, float]) -> None:
        self._ways = dict(ways)
        self._constraints = dict(constraints)
        self._known: dict[int, Observation] = {}

    def put(self, number: int, point: np.ndarray) -> None:
        """Keep trial *number* as one that runs."""
        self._known[number] = Observation(point)

    def take(self, number: int) -> np.ndarray:
        """Forget trial *number*, and return its point."""
        return self._known.pop(number).point

    def point(self, number: int) -> np.ndarray | None:
        """Return the point of a trial, or ``None`` if it is not known."""
        known = self._known.get(number)
        return None if known is None else known.point

    def learn(self, record: TrialRecord) -> None:
        """Note how a trial stands now."""
        known = self._known[record.number]
        first = next(iter(self._ways.values()))
        values = bounded = None
        if record.state is TrialState.COMPLETE:
            told = tuple(way.sign * record.metrics[name] for name, way in self._ways.items())
            limits = tuple(record.metrics[name] for name in self._constraints)
            if all(map(math.isfinite, told + limits)):
                values, bounded = told, limits
        failed = record.state.is_finished and values is None
        steps: tuple[tuple[int, float], ...] = ()
        # What went well until it broke is no promise.
        if not failed or record.state is TrialState.STOPPED_EARLY:
            told_on = sorted(record.steps.items())
            steps = tuple(
                (at, first.sign * value) for at, value in told_on if math.isfinite(value)
            )
        self._known[record.number] = attrs.evolve(
            known, values=values, bounded=bounded, failed=failed, steps=steps
        )

    @property
    def results(self) -> int:
        """How many trials ended with results."""
        return sum(one.values is not None for one in self._known.values())

    @property
    def all(self) -> list[Observation]:
        """All of them, by number."""
        return [self._known[number] for number in sorted(self._known)]

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, number: object) -> bool:
        return number in self._known
