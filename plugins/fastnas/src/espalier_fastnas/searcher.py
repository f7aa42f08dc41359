"""Binary search for the least loss that every size may cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, final

from espalier.errors import ScoreError
from espalier.importance import rank
from espalier.searching import Searcher
from espalier.searching.thresholds import bisect, spend

from .config import FastNASSearchConfig
from .sensitivity import calls_needed, measure


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
            rank(task, self.config.importance, seed=self.config.seed)
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
