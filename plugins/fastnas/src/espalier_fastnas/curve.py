"""The loss of one hparam by choice, from the choices that were measured."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any, Self, final

import attrs


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from espalier.hparams import Hparam


@final
@attrs.define
class Curve:
    """
    What each choice of one hparam loses, with everything else at its largest.

    Between two choices that were measured, the loss grows with the share of importance that is
    dropped. It never falls towards smaller choices, whatever was measured.

    Args:
        dropped: For each choice, the share of the importance of all units that goes with it, 0
            for the largest.

        measured: Losses, infinite where a choice has no score.
    """

    dropped: Mapping[Any, float]
    measured: dict[Any, float] = attrs.field(factory=dict)

    @classmethod
    def of(cls, hparam: Hparam) -> Self:
        """Return the curve of *hparam* before anything is measured."""
        importance = hparam.importance if hparam.is_sortable else None
        if importance is None or not float(importance.sum()) > 0:
            count = len(hparam.choices) - 1
            return cls({c: 1 - i / max(count, 1) for i, c in enumerate(hparam.choices)})
        tails = importance.flip(0).cumsum(0).flip(0) / importance.sum()
        return cls({c: float(tails[c]) if c < hparam.units else 0.0 for c in hparam.choices})

    @property
    def unmeasured(self) -> list[Any]:
        """The smaller choices of which nothing is known by measurement, ascending."""
        return [c for c in sorted(self.dropped)[:-1] if c not in self.measured]

    def losses(self, typical: Callable[[float], float]) -> dict[Any, float]:
        """
        Return a loss for each choice.

        Args:
            typical: What a share of importance is worth elsewhere; asked if nothing was measured
                here.
        """
        points = self._points()
        if len(points) == 1:
            return {choice: typical(share) for choice, share in self.dropped.items()}
        return {choice: _between(points, share) for choice, share in self.dropped.items()}

    def at(self, share: float) -> float | None:
        """Return the loss where *share* is dropped, if anything was measured."""
        points = self._points()
        return None if len(points) == 1 else _between(points, share)

    def _points(self) -> list[tuple[float, float]]:
        """Return shares with losses, ascending in both."""
        largest = max(self.dropped)
        worst = 0.0
        points = [(0.0, 0.0)]
        for choice in sorted(self.measured, reverse=True):
            if choice != largest:
                worst = max(worst, self.measured[choice])
                points.append((self.dropped[choice], worst))
        return points


def _between(points: list[tuple[float, float]], share: float) -> float:
    for (left, low), (right, high) in itertools.pairwise(points):
        if share <= left:
            return low
        if share < right:
            # Next to a failure nothing is known, so it is kept clear of.
            part = (share - left) / (right - left)
            return high if math.isinf(high) else low + part * (high - low)
    right, high = points[-1]
    if share <= right or not right:
        return high
    # Beyond what was measured, losses are taken to grow faster than what is dropped.
    return high * (share / right) ** 2
