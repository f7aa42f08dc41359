"""Find the least loss that every size may cost, and give back what the budget still allows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, final

import attrs


if TYPE_CHECKING:
    from collections.abc import Mapping

    from .task import SearchTask


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


def spend(task: SearchTask, sensitivity: Sensitivity, config: dict[str, Any]) -> dict[str, Any]:
    """
    Enlarge *config* choice by choice while the constraints allow it.

    Each time, the step is taken that wins back most loss for the share of the budget it costs;
    among those that win nothing, the one that costs most.
    """
    while True:
        steps = []
        for name, hparam in task.space.items():
            larger = [choice for choice in hparam.choices if choice > config[name]]
            if not larger:
                continue
            grown = {**config, name: larger[0]}
            if task.allows(grown):
                losses = sensitivity.losses[name]
                win = _difference(losses[config[name]], losses[larger[0]])
                cost = _share(task, grown) - _share(task, config)
                steps.append((win / max(cost, 1e-12), cost, name, larger[0]))
        if not steps:
            return config
        _, _, name, choice = max(steps, key=lambda step: step[:2])
        config = {**config, name: choice}


def _difference(more: float, less: float) -> float:
    if math.isinf(more):
        return 0.0 if math.isinf(less) else math.inf
    return more - less


def _share(task: SearchTask, config: Mapping[str, Any]) -> float:
    """Return how much of the tightest budget *config* uses."""
    found = task.constraints.measure(task.model, config)
    return max(found[name] / limit for name, limit in task.constraints.limits.items())
