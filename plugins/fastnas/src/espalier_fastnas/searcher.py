"""Binary search for the least loss that every size may cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, final

from espalier.errors import ScoreError
from espalier.importance import rank
from espalier.searching import Searcher

from .config import FastNASSearchConfig
from .refining import Refinement
from .sensitivity import Measurements, calls_needed


if TYPE_CHECKING:
    from collections.abc import Mapping

    from espalier.hparams import Hparam
    from espalier.searching import SearchTask


@final
class BinarySearcher(Searcher):
    """
    Lets every hparam lose up to a threshold of score, and finds the least such threshold.

    Raising the threshold never makes a subnet larger, so bisection over the measured losses finds
    the least one whose subnet satisfies the constraints. What the budget still allows is then
    given back where it helps most for what it costs. Losses of single choices do not add up, so
    the last calls score whole subnets: this one, some that other ways of adding up lead to, and
    neighbours of the best.

    Source:
        The idea of NVIDIA's *FastNAS* (Model Optimizer documentation); the last
        passes are our own.
    """

    config_class: ClassVar[type[FastNASSearchConfig]] = FastNASSearchConfig
    config: FastNASSearchConfig

    def search(self, task: SearchTask) -> Mapping[str, Any]:
        """
        Return the best subnet that was found within the constraints.

        Raises:
            ScoreError: If the largest subnet has no score to compare with, or no subnet has.
        """
        task.start(self.calls(task.space))
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
        measured = Measurements.of(task, base)
        measured.take(self._alone(task.space))
        alone = task.history[1:]
        if alone and all(math.isnan(trial.score) for trial in alone):
            raise ScoreError(
                f"score must return a number for some smaller subnet; it returned nan for all "
                f"{len(alone)} of them."
            )
        left = self.calls(task.space) - len(task.history)
        return Refinement(task, measured.sensitivity(), use_up=self.config.spend).best(left)

    def calls(self, space: Mapping[str, Hparam]) -> int:
        """Return how many configurations a search of *space* scores at most."""
        most = calls_needed(space) + max(1, self.config.refine)  # what is chosen is scored, too
        return min(most, self.config.max_score_calls or most)

    def _alone(self, space: Mapping[str, Hparam]) -> int:
        """Return how many choices are scored alone: two of three calls, if not all can be."""
        left = self.calls(space) - 1
        whole = max(1, min(self.config.refine, -(-left // 3)))
        return min(calls_needed(space) - 1, left - whole)
