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
@attrs.frozen
class Measured:
    """
    What one choice did to the model, with everything else at its largest.

    Args:
        loss: What it took from the score; infinite where it has none.

        deviation: How far what the model returns has moved, if that is known.
    """

    loss: float
    deviation: float | None = None


@final
@attrs.define
class Curve:
    """
    What each choice of one hparam loses, with everything else at its largest.

    Between two choices that were measured, the loss grows with the share of importance that is
    dropped. It never falls towards smaller choices, whatever was measured.

    Args:
        dropped: For each choice, the share of the importance of all units that goes with it, 0
            for the largest. Where units have no importance, the position of the choice.

        measured: What is known, by choice.
    """

    dropped: Mapping[Any, float]
    measured: dict[Any, Measured] = attrs.field(factory=dict)

    @classmethod
    def of(cls, hparam: Hparam) -> Self:
        """Return the curve of *hparam* before anything is measured."""
        importance = hparam.importance if hparam.is_sortable else None
        if importance is None or not float(importance.sum()) > 0:
            last = len(hparam.choices) - 1
            return cls({c: (last - i) / max(last, 1) for i, c in enumerate(hparam.choices)})
        if hparam.order is not None:
            importance = importance[hparam.order.to(importance.device)]
        tails = importance.flip(0).cumsum(0).flip(0) / importance.sum()
        shares = [*tails.tolist(), 0.0]
        return cls({choice: shares[choice] for choice in hparam.choices})

    @property
    def largest(self) -> Any:
        """The choice that loses nothing."""
        return max(self.dropped)

    @property
    def unmeasured(self) -> list[Any]:
        """The smaller choices that were not measured, ascending."""
        return [c for c in sorted(self.dropped)[:-1] if c not in self.measured]

    def losses(self, typical: Callable[[float], float], per_deviation: float) -> dict[Any, float]:
        """
        Return a loss for each choice.

        Args:
            typical: What a share of importance is worth elsewhere; asked if nothing was measured
                here.

            per_deviation: What is added for each unit of deviation.
        """
        points = self._points(per_deviation)
        if len(points) == 1:
            return {c: typical(share) if share else 0.0 for c, share in self.dropped.items()}
        return {choice: _between(points, share) for choice, share in self.dropped.items()}

    def at(self, share: float, per_deviation: float) -> float | None:
        """Return the loss where *share* is dropped, if anything was measured."""
        points = self._points(per_deviation)
        return None if len(points) == 1 else _between(points, share)

    def _points(self, per_deviation: float) -> list[tuple[float, float]]:
        """Return shares with losses, ascending in both."""
        worst = 0.0
        points = [(0.0, 0.0)]
        for choice in sorted(self.measured, reverse=True):
            found = self.measured[choice]
            worst = max(worst, found.loss + per_deviation * (found.deviation or 0.0))
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
    return high * (share / right) * (share / right)
