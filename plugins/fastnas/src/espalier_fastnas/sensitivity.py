"""What each choice of each hparam costs, measured alone."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, Any, Self, final

import attrs

from espalier.searching.thresholds import Sensitivity, bisect, share

from .curve import Curve, Measured


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from espalier.hparams import Hparam
    from espalier.searching import SearchTask

#: What dropping all of a hparam's importance costs at least, of the largest loss that was found. A
#: loss that a score did not see, in steps as accuracy moves, is not taken to be none.
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
        Score up to *calls* choices.

        First the middle choice of each hparam, those that the budget depends on most before the
        others; then the smallest; then those next to the subnet that all this leads to.
        """
        for _, (name, choice) in zip(range(calls), self._ordered(), strict=False):
            self.measure(name, choice)

    def measure(self, name: str, choice: Any) -> None:
        """Score the largest subnet with one other choice; one without a score loses everything."""
        config = {**self.task.space.max(), name: choice}
        loss = self.base - self.task.score(config)
        deviation = self.task.trial(config).deviation
        self.curves[name].measured[choice] = Measured(
            math.inf if math.isnan(loss) else loss, deviation
        )

    def sensitivity(self) -> Sensitivity:
        """
        Return what each choice loses, as far as it is known.

        To what was taken from the score, what the model returns adds a second opinion: its
        deviation, in units of the score. So choices that a coarse score takes for equal are told
        apart, and luck with a few examples counts half.
        """
        worth = self._per_deviation()
        found = {
            n: c.losses(lambda x: self._typical(x, worth), worth) for n, c in self.curves.items()
        }
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

    def _per_deviation(self) -> float:
        """Return what of the score goes with a deviation, by least squares through none."""
        known = [m for curve in self.curves.values() for m in curve.measured.values()]
        pairs = [(m.deviation, m.loss) for m in known if math.isfinite(m.loss)]
        if not pairs or any(deviation is None for deviation, _ in pairs):
            return 0.0
        squares = sum(deviation * deviation for deviation, _ in pairs if deviation is not None)
        products = sum(loss * deviation for deviation, loss in pairs if deviation is not None)
        return max(0.0, products / squares) if squares > 0 else 0.0

    def _ordered(self) -> Iterator[tuple[str, Any]]:
        space, largest = self.task.space, self.task.space.max()
        weight = {n: share(self.task, {**largest, n: h.min}) for n, h in space.items()}
        names = [n for n in sorted(space, key=weight.__getitem__) if space[n].is_configurable]
        for name in names:
            choices = space[name].choices
            yield name, choices[(len(choices) - 1) // 2]
        yield from (
            (n, space[n].min) for n in names if space[n].min not in self.curves[n].measured
        )
        while any(curve.unmeasured for curve in self.curves.values()):
            yield self._most_uncertain()

    def _most_uncertain(self) -> tuple[str, Any]:
        """Return what lies in the widest gap of losses around the subnet that is known best."""
        config = bisect(self.task, self.sensitivity())
        gaps = [
            (*_gap(curve, config[name]), name)
            for name, curve in self.curves.items()
            if curve.unmeasured
        ]
        *_, choice, name = max(gaps, key=lambda gap: gap[:2])
        return name, choice

    def _typical(self, dropped: float, worth: float) -> float:
        known = [curve.at(dropped, worth) for curve in self.curves.values()]
        finite = [loss for loss in known if loss is not None and math.isfinite(loss)]
        return statistics.fmean(finite) if finite else dropped


def _gap(curve: Curve, wanted: Any) -> tuple[float, float, Any]:
    """Return how uncertain the loss next to *wanted* is, how near that is, and which choice."""

    def distance(choice: Any) -> float:
        return abs(curve.dropped[choice] - curve.dropped[wanted])

    nearest = min(curve.unmeasured, key=distance)
    less = max((m.loss for c, m in curve.measured.items() if c > nearest), default=0.0)
    more = max((m.loss for c, m in curve.measured.items() if c < nearest), default=math.inf)
    return min(more, 1e300) - min(less, 1e300), -distance(nearest), nearest
