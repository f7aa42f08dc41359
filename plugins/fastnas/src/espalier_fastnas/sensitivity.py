"""What each choice of each hparam costs, measured alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from espalier.searching.thresholds import Sensitivity


if TYPE_CHECKING:
    from collections.abc import Mapping

    from espalier.hparams import Hparam
    from espalier.searching import SearchTask


def calls_needed(hparams: Mapping[str, Hparam]) -> int:
    """Return how many configurations `measure` scores: each smaller choice, and the base."""
    return 1 + sum(len(hparam.choices) - 1 for hparam in hparams.values())


def measure(task: SearchTask) -> Sensitivity:
    """
    Score every choice of every hparam alone.

    A choice whose score is none is taken to cost everything.
    """
    largest = task.space.max()
    base = task.score(largest)
    losses = {}
    for name, hparam in task.space.items():
        worst = 0.0
        by_choice = {hparam.max: 0.0}
        for choice in reversed(hparam.choices[:-1]):
            loss = base - task.score({**largest, name: choice})
            worst = max(worst, math.inf if math.isnan(loss) else loss)
            by_choice[choice] = worst
        losses[name] = by_choice
    return Sensitivity(losses)
