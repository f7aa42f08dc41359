"""Search until what was chosen also holds when it is really measured."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import attrs
import structlog

from ..errors import ConstraintError
from .spending import ENOUGH


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .constraints import Constraints
    from .task import SearchTask

log = structlog.get_logger()

#: How often to search, and so how many subnets are measured in the end.
MOST_ATTEMPTS = 6


@attrs.frozen
class Confirmed:
    """
    A configuration, and those of its metrics that were measured on the exported subnet.

    Args:
        config: Choice of each hparam.

        measured: The numbers, by metric; empty where every metric is computed.
    """

    config: dict[str, Any]
    measured: Mapping[str, float]


def search_confirmed(find: Callable[[], dict[str, Any]], task: SearchTask) -> Confirmed:
    """
    Search, measure what was chosen, and search again while that breaks a limit or leaves much.

    A metric learns from what was measured. The scores are kept, so searching again costs little.

    Args:
        find: Returns a configuration that holds as far as the metrics know; called again after
            they learned.

        task: The search.

    Raises:
        ConstraintError: If nothing that was measured holds; it tells what came nearest.
    """
    asked, seen = task.constraints, _Seen(task.constraints)
    try:
        for _ in range(MOST_ATTEMPTS):
            config = find()
            if seen.last is not None and config == seen.last.config:
                # Nothing was learned from it.
                if seen.best is not None or not _tighten(task, seen.last):
                    break
                continue
            found = Confirmed(config, _confirm(task, asked, config, len(seen.all)))
            if not found.measured:
                return found
            if seen.add(found, task):
                break
    finally:
        task.constraints = asked
    if seen.best is None:
        raise seen.error()
    return seen.best


@attrs.define
class _Seen:
    """What was measured, and the best of it."""

    asked: Constraints
    all: list[Confirmed] = attrs.field(factory=list)
    best: Confirmed | None = None
    score: float = -math.inf

    @property
    def last(self) -> Confirmed | None:
        return self.all[-1] if self.all else None

    def add(self, found: Confirmed, task: SearchTask) -> bool:
        """Take note of *found*; return whether it uses its budget up and breaks no limit."""
        self.all.append(found)
        used = self.used(found)
        log.info("subnet_measured", **found.measured, used_of_budget=round(used, 3))
        if self.asked.broken(found.measured):
            return False
        score = task.score(found.config)
        if self.best is None or score > self.score:
            self.best, self.score = found, score
        return used >= ENOUGH

    def used(self, found: Confirmed) -> float:
        """Return how much of the tightest limit *found* uses."""
        return self.asked.used(found.measured)

    def error(self) -> ConstraintError:
        """Return what to raise where nothing holds."""
        nearest = min(self.all, key=self.used)
        said = "; ".join(
            f"{name}: at most {self.asked.limits[name]:,.6g} was asked for, but the nearest of "
            f"{len(self.all)} subnets that were measured has {nearest.measured[name]:,.6g}"
            for name in self.asked.broken(nearest.measured)
        )
        return ConstraintError(
            f"{said}. Ask for that, or allow smaller sizes in the configuration."
        )


def _confirm(
    task: SearchTask, bounds: Constraints, config: dict[str, Any], number: int
) -> dict[str, float]:
    """Measure *config*, unless an earlier process did, and have the metrics know just that."""

    def confirmed() -> list[Any]:
        found = bounds.confirm(task.model, config)
        return [found, bounds.measured(task.model)]

    # By number: what is known depends on what was measured before.
    found, measured = task.remember(f"confirmed {number}: {config}", confirmed)
    bounds.resume(task.model, measured)
    return dict(found)


def _tighten(task: SearchTask, broken: Confirmed) -> bool:
    """
    Ask for less, as a metric has learned nothing from *broken*.

    Returns:
        Whether there is less to be had.
    """
    bounds = task.constraints
    smallest = bounds.measure(task.model, task.space.min())
    limits = dict(bounds.limits)
    for name in bounds.broken(broken.measured):
        less = 0.99 * limits[name] * limits[name] / broken.measured[name]
        limits[name] = max(less, smallest[name])
    if limits == bounds.limits:
        return False
    task.constraints = attrs.evolve(bounds, limits=limits)
    return True
