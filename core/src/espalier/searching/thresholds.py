"""Subnets that the loss of each size by itself leads to: by a threshold, or by a price."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, final

import attrs


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .task import SearchTask

#: Halvings of the interval that holds the price.
_HALVINGS = 60


@final
@attrs.frozen
class Sensitivity:
    """
    What each choice of each hparam costs by itself, with everything else at its largest.

    Args:
        losses: By hparam, then by choice. Never negative, and never less for a smaller choice.
    """

    losses: Mapping[str, Mapping[Any, float]]

    @property
    def thresholds(self) -> list[float]:
        """Every loss that occurs, ascending."""
        return sorted({loss for by_choice in self.losses.values() for loss in by_choice.values()})

    def smallest_within(self, threshold: float) -> dict[str, Any]:
        """Return the smallest choice of each hparam whose loss is at most *threshold*."""
        return {
            name: min(choice for choice, loss in by_choice.items() if loss <= threshold)
            for name, by_choice in self.losses.items()
        }

    def relative(self) -> Sensitivity:
        """Return all losses over the largest that is finite, so that no scale is left."""
        peak = max((loss for loss in self.thresholds if math.isfinite(loss)), default=0.0)
        if not peak:
            return self
        return Sensitivity(
            {
                name: {choice: loss / peak for choice, loss in by_choice.items()}
                for name, by_choice in self.losses.items()
            }
        )

    def total(self, config: Mapping[str, Any], power: float = 2.0) -> float:
        """
        Return the sum of the losses of the choices of *config*, each to the given *power*.

        The square counts two small losses as less than one large one: layers that each lost a
        little do better together than one that lost much.
        """
        return sum(raised(self.losses[name][choice], power) for name, choice in config.items())


def bisect(task: SearchTask, sensitivity: Sensitivity) -> dict[str, Any]:
    """Return the subnet of the least threshold that satisfies the constraints."""
    thresholds = sensitivity.thresholds
    low, high = 0, len(thresholds) - 1  # the last one gives the smallest subnet, which fits
    while low < high:
        middle = (low + high) // 2
        if task.allows(sensitivity.smallest_within(thresholds[middle])):
            high = middle
        else:
            low = middle + 1
    return sensitivity.smallest_within(thresholds[high])


def bisect_price(
    task: SearchTask, sensitivity: Sensitivity, power: float = 2.0
) -> dict[str, Any] | None:
    """
    Return the subnet of the least price of the budget that satisfies the constraints.

    At a given price, every hparam takes the choice that is best by itself: with the least loss, to
    the given *power*, plus the price of what it uses. What it uses is told with everything else at
    its largest. The scale of the losses makes no difference.

    Returns:
        ``None`` if no price leads to a subnet that fits, as where the choices that would have to
        be taken lost everything.
    """
    offers = {
        name: [(choice, raised(loss, power), saved(choice)) for choice, loss in by_choice.items()]
        for name, by_choice in sensitivity.relative().losses.items()
        for saved in [_saved_by(task, name)]
    }

    def best_at(price: float) -> dict[str, Any]:
        return {
            name: min(own, key=lambda offer: (offer[1] - price * offer[2], offer[0]))[0]
            for name, own in offers.items()
        }

    least = min((saved for own in offers.values() for *_, saved in own if saved > 0), default=1.0)
    low, high = 0.0, 2 * (1 / least + 1)  # no loss that counts is above 1
    if not task.allows(best_at(high)):
        return None
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if best_at(middle) == best_at(high) or task.allows(best_at(middle)):
            high = middle
        else:
            low = middle
    return best_at(high)


def raised(loss: float, power: float = 2.0) -> float:
    """Return *loss* to the given *power*; infinity where no float is as large."""
    try:
        return loss**power
    except OverflowError:
        return float("inf")


def _saved_by(task: SearchTask, name: str) -> Callable[[Any], float]:
    largest = task.space.max()
    whole = share(task, largest)
    return lambda choice: whole - share(task, {**largest, name: choice})


def share(task: SearchTask, config: Mapping[str, Any]) -> float:
    """Return how much of the tightest budget *config* uses."""
    return task.constraints.used(task.constraints.measure(task.model, config))
