"""Whole subnets, scored and improved choice by choice."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, final

import attrs

from espalier.searching.spending import ENOUGH, fill, spend
from espalier.searching.thresholds import bisect, bisect_price, raised, share


if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from espalier.searching import SearchTask
    from espalier.searching.thresholds import Sensitivity

#: Sizes whose neighbours are compared before one of them is scored.
_MOST_SIZES = 48


@final
@attrs.frozen
class Refinement:
    """
    Finds whole subnets by the losses of single choices, and scores them.

    Losses do not add up exactly, so which way of adding them is right for a network is not known
    before its subnets are scored.

    Args:
        task: The search.

        sensitivity: What each choice loses by itself.

        use_up: Whether what the budget still allows is given back.
    """

    task: SearchTask
    sensitivity: Sensitivity
    use_up: bool = True
    _scores: dict[tuple[Any, ...], float] = attrs.field(factory=dict, init=False)

    def best(self, calls: int) -> dict[str, Any]:
        """
        Return the best of up to *calls* subnets, each a proposal or a neighbour of the best.

        Without any calls, or where none has a score, what the least threshold leads to.
        """
        before = len(self.task.history)
        first = self._completed(bisect(self.task, self.sensitivity))
        found: dict[str, Any] | None = None
        for config in self._candidates(first):
            if len(self.task.history) - before >= calls:
                break
            self._scores[self._key(config)] = self.task.score(config)
            found = self._better(found, config)
        return first if found is None or not self.task.allows(found) else found

    def _candidates(self, first: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield what was not scored here: proposals, and then neighbours of the best by then."""
        yield first
        least = min(ENOUGH, share(self.task, first)) if self.use_up else 0.0
        for power in (2.0, 1.0):
            priced = bisect_price(self.task, self.sensitivity, power)
            config = first if priced is None else self._completed(priced)
            if self._key(config) not in self._scores:
                yield config
        while True:
            known = [dict(zip(self.task.space, key, strict=True)) for key in self._scores]
            best = max(known, key=self._rank)
            fresh = [
                config
                for config in self._neighbours(best)
                if self._key(config) not in self._scores and share(self.task, config) >= least
            ]
            if not fresh:
                return
            yield min(fresh, key=self.sensitivity.total)

    def _neighbours(self, config: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield subnets where one hparam is a choice smaller or larger, and others gain or pay."""
        names = sorted(self.task.space, key=lambda n: -self.sensitivity.losses[n][config[n]])
        for name in names[:_MOST_SIZES]:
            choices = self.task.space[name].choices
            position = choices.index(config[name])
            if position:
                yield self._spent({**config, name: choices[position - 1]}, keep=[name])
            if position + 1 < len(choices):
                paid = self._paid({**config, name: choices[position + 1]}, name)
                if paid is not None:
                    yield self._spent(paid)

    def _paid(self, config: dict[str, Any], grown: str) -> dict[str, Any] | None:
        """Let others than *grown* shrink, where it costs least, until the constraints allow it."""
        while not self.task.allows(config):
            ways = []
            for name, hparam in self.task.space.items():
                position = hparam.choices.index(config[name])
                if name != grown and position:
                    smaller = hparam.choices[position - 1]
                    losses = self.sensitivity.losses[name]
                    lost = raised(losses[smaller]) - raised(losses[config[name]])
                    ways.append((lost, name, smaller))
            lost, name, smaller = min(ways, default=(math.inf, "", None))
            if not lost < math.inf:
                return None
            config = {**config, name: smaller}
        return config

    def _completed(self, config: dict[str, Any]) -> dict[str, Any]:
        spent = self._spent(config)
        return fill(self.task, self.sensitivity, spent) if self.use_up else spent

    def _spent(self, config: dict[str, Any], keep: Collection[str] = ()) -> dict[str, Any]:
        return spend(self.task, self.sensitivity, config, keep=keep) if self.use_up else config

    def _better(self, one: dict[str, Any] | None, other: dict[str, Any]) -> dict[str, Any]:
        return other if one is None else max(one, other, key=self._rank)

    def _rank(self, config: Mapping[str, Any]) -> tuple[float, float, float]:
        """Return the score; of equal ones, what stays nearest to the full model comes first."""
        score = self._scores[self._key(config)]
        deviation = self.task.trial(config).deviation
        return (
            -math.inf if math.isnan(score) else score,
            0.0 if deviation is None else -deviation,
            -self.sensitivity.total(config),
        )

    def _key(self, config: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(config[name] for name in self.task.space)
