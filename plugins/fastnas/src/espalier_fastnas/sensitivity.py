"""What each choice of each hparam costs, measured alone."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, Any, Self, final

import attrs

from espalier.searching.thresholds import Sensitivity, bisect, share

from .curve import Curve


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from espalier.hparams import Hparam
    from espalier.searching import SearchTask

#: What dropping all of a hparam's importance costs at least, of the largest loss that was measured.
#: A score moves in steps, as accuracy does: choices whose losses are the same to it are told apart
#: by what they drop, and a loss that was not seen is not taken to be none.
_UNSEEN = 0.02


def calls_needed(hparams: Mapping[str, Hparam]) -> int:
    """Return how many configurations it takes to score each smaller choice, and the base."""
    return 1 + sum(len(hparam.choices) - 1 for hparam in hparams.values())


@final
@attrs.define
class Measurements:
    """
    Scores of single choices, taken where they tell most.

    Args:
        task: The search.

        base: The score of the largest subnet.

        curves: What is known of each hparam.
    """

    task: SearchTask
    base: float
    curves: dict[str, Curve]

    @classmethod
    def of(cls, task: SearchTask, base: float) -> Self:
        """Begin with nothing measured."""
        return cls(task, base, {name: Curve.of(hparam) for name, hparam in task.space.items()})

    def take(self, calls: int) -> None:
        """
        Score up to *calls* configurations that were not scored before.

        First the middle choice of each hparam, those that the budget depends on most before the
        others; then the smallest; then those between which the subnet lies that all this leads to.
        """
        before = len(self.task.history)
        for name, choice in self._ordered():
            if len(self.task.history) - before >= calls:
                return
            self.measure(name, choice)

    def measure(self, name: str, choice: Any) -> None:
        """Score the largest subnet with one other choice; one without a score loses everything."""
        loss = self.base - self.task.score({**self.task.space.max(), name: choice})
        self.curves[name].measured[choice] = math.inf if math.isnan(loss) else loss

    def sensitivity(self) -> Sensitivity:
        """Return what each choice loses, as far as it is known."""
        found = {name: curve.losses(self._typical) for name, curve in self.curves.items()}
        finite = [x for losses in found.values() for x in losses.values() if math.isfinite(x)]
        least = _UNSEEN * max(finite, default=0.0)
        return Sensitivity(
            {
                name: {
                    choice: loss + least * curve.dropped[choice] for choice, loss in own.items()
                }
                for (name, own), curve in zip(found.items(), self.curves.values(), strict=True)
            }
        )

    def _ordered(self) -> Iterator[tuple[str, Any]]:
        space = self.task.space
        largest = space.max()
        weight = {n: share(self.task, {**largest, n: h.min}) for n, h in space.items()}
        names = [n for n in sorted(space, key=weight.__getitem__) if space[n].is_configurable]
        yield from (
            (name, space[name].choices[(len(space[name].choices) - 1) // 2]) for name in names
        )
        yield from ((name, space[name].min) for name in names if self.curves[name].unmeasured)
        while any(curve.unmeasured for curve in self.curves.values()):
            yield self._most_uncertain()

    def _most_uncertain(self) -> tuple[str, Any]:
        """Return what lies in the widest gap of losses around the subnet that is known best."""
        sensitivity = self.sensitivity()
        config = bisect(self.task, sensitivity)
        gaps = []
        for name, curve in self.curves.items():
            left = curve.unmeasured
            if not left:
                continue
            nearest = min(left, key=lambda c: abs(curve.dropped[c] - curve.dropped[config[name]]))
            known = {**curve.measured, self.task.space[name].max: 0.0}
            below = max(known.get(c, 0.0) for c in known if c > nearest)
            above = max((known[c] for c in known if c < nearest), default=math.inf)
            distance = abs(curve.dropped[nearest] - curve.dropped[config[name]])
            gaps.append((min(above, 1e300) - below, -distance, name, nearest))
        *_, name, choice = max(gaps, key=lambda gap: gap[:2])
        return name, choice

    def _typical(self, dropped: float) -> float:
        known = [loss for c in self.curves.values() if (loss := c.at(dropped)) is not None]
        finite = [loss for loss in known if math.isfinite(loss)]
        return statistics.fmean(finite) if finite else dropped
