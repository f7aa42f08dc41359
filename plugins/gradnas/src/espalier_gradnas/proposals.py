"""Subnets that are worth a score, by different ways to add up what units lose."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from espalier.searching.spending import ENOUGH, fill, spend
from espalier.searching.thresholds import Sensitivity, bisect, bisect_price, share

from .recording import degradations


if TYPE_CHECKING:
    from collections.abc import Iterator

    from espalier.searching import SearchTask

    from .together import Together


def proposals(
    task: SearchTask, apart: Sensitivity, together: Together | None
) -> Iterator[dict[str, Any]]:
    """
    Yield different subnets that use the budget up, the most promising first.

    No way to add up is right for all networks. What units lose apart ignores that they pull the
    loss together; what they lose together is known of few batches only, so that much in it is
    chance. Between the two stands their geometric mean. The loss of a whole subnet is by a
    threshold the largest of its sizes' losses, by a price their sum, or the sum of their squares.

    Args:
        task: The search, whose units were scored.

        apart: What each choice loses by the sum of the scores that it drops.

        together: What units lose together, if that is known.
    """
    first, *others = _subnets(task, apart, together)
    first = fill(task, apart, first)
    least = min(ENOUGH, share(task, first))
    yield first
    seen = [first]
    for config in others:
        if config not in seen and share(task, config) >= least:
            seen.append(config)
            yield config


def _subnets(
    task: SearchTask, apart: Sensitivity, together: Together | None
) -> Iterator[dict[str, Any]]:
    yield spend(task, apart, bisect(task, apart))
    if together is None:
        yield from _by_price(task, apart, 2.0)
        yield from _by_price(task, apart, 1.0)
        return
    joint = degradations(task.space, together.lost)
    between = _between(apart, joint)
    yield spend(task, between, bisect(task, between))
    yield from _by_price(task, joint, 1.0)
    yield from _by_price(task, joint, 2.0)
    yield from _by_price(task, between, 1.0)
    yield from _by_price(task, apart, 2.0)


def _by_price(
    task: SearchTask, sensitivity: Sensitivity, power: float
) -> Iterator[dict[str, Any]]:
    relative = sensitivity.relative()
    config = bisect_price(task, relative, power)
    if config is not None:
        yield spend(task, relative, config)


def _between(one: Sensitivity, other: Sensitivity) -> Sensitivity:
    """Return the geometric mean of both losses of each choice."""
    return Sensitivity(
        {
            name: {
                choice: math.sqrt(loss) * math.sqrt(other.losses[name][choice])
                for choice, loss in by_choice.items()
            }
            for name, by_choice in one.losses.items()
        }
    )
