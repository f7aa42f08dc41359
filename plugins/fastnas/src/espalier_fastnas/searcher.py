"""Binary search for the least loss that every size may cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, final

from espalier.errors import ScoreError
from espalier.searching import Searcher
from espalier.spaces.sorting import sort

from .config import FastNASSearchConfig
from .sensitivity import Sensitivity, calls_needed, measure


if TYPE_CHECKING:
    from collections.abc import Mapping

    from espalier.searching import SearchTask


@final
class BinarySearcher(Searcher):
    """
    Lets every hparam lose up to a threshold of score, and finds the least such threshold.

    Raising the threshold never makes a subnet larger, so bisection over the measured losses finds
    the least one whose subnet satisfies the constraints. What the budget still allows is then
    given back where it helps most for what it costs.

    Source:
        The idea of NVIDIA's *FastNAS* (Model Optimizer documentation); the last pass is our own.
    """

    config_class: ClassVar[type[FastNASSearchConfig]] = FastNASSearchConfig
    config: FastNASSearchConfig

    def search(self, task: SearchTask) -> Mapping[str, Any]:
        """
        Return the largest subnet that the constraints allow at the least loss.

        Raises:
            ScoreError: If the largest subnet has no score to compare with, or no subnet has.
        """
        task.start(calls_needed(task.space) + 1)
        if self.config.sort:
            sort(task.model, task.supernet)
        largest = task.space.max()
        base = task.score(largest)
        if not math.isfinite(base):
            raise ScoreError(
                f"score must return a finite number for the largest subnet, which all others are "
                f"compared with; it returned {base}."
            )
        if task.allows(largest):
            return largest
        sensitivity = measure(task)
        if all(math.isnan(trial.score) for trial in task.history[1:]):
            raise ScoreError(
                f"score must return a number for some smaller subnet; it returned nan for all "
                f"{len(task.history) - 1} of them."
            )
        config = bisect(task, sensitivity)
        return spend(task, sensitivity, config) if self.config.spend else config


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
