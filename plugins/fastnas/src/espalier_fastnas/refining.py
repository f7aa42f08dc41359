"""Whole subnets, scored and improved choice by choice."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from espalier.searching.spending import fill, spend
from espalier.searching.thresholds import bisect, bisect_price


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from espalier.searching import SearchTask
    from espalier.searching.thresholds import Sensitivity

#: Neighbours of a subnet that are compared before one of them is scored.
_NEIGHBOURS = 64


def proposals(
    task: SearchTask, sensitivity: Sensitivity, *, use_up: bool
) -> Iterator[dict[str, Any]]:
    """
    Yield the subnets that the losses of single choices lead to; the first by the least threshold.

    Losses do not add up exactly, so which way of adding them is right for a network is not known
    before its subnets are scored.

    Args:
        task: The search.

        sensitivity: What each choice loses by itself.

        use_up: Whether what the budget still allows is given back.
    """
    found = [bisect(task, sensitivity)]
    found += [bisect_price(task, sensitivity, power) or found[0] for power in (2.0, 1.0)]
    for config in found:
        yield fill(task, sensitivity, spend(task, sensitivity, config)) if use_up else config


def refine(
    task: SearchTask, sensitivity: Sensitivity, calls: int, *, use_up: bool = True
) -> dict[str, Any]:
    """
    Score whole subnets, and from the best one go on to its neighbours.

    Args:
        task: The search.

        sensitivity: What each choice loses by itself; it says which neighbour to try next.

        calls: Configurations to score at most. Without any, what the least threshold leads to is
            returned as it is.

        use_up: Whether what the budget still allows is given back.

    Returns:
        The best that was scored.
    """
    before = len(task.history)
    first: dict[str, Any] | None = None
    scores: dict[tuple[Any, ...], float] = {}
    best: dict[str, Any] | None = None

    def left() -> bool:
        return len(task.history) - before < calls

    def key(config: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(config[name] for name in task.space)

    def rank(config: Mapping[str, Any]) -> tuple[float, float]:
        score = scores[key(config)]
        return (-math.inf if math.isnan(score) else score, -sensitivity.total(config))

    for config in proposals(task, sensitivity, use_up=use_up):
        first = first or config
        if left() and key(config) not in scores:
            scores[key(config)] = task.score(config)
            best = config if best is None else max(best, config, key=rank)
    while best is not None and left():
        fresh = [c for c in neighbours(task, sensitivity, best) if key(c) not in scores]
        if not fresh:
            break
        config = min(fresh, key=sensitivity.total)
        scores[key(config)] = task.score(config)
        best = max(best, config, key=rank)
    if best is None or math.isnan(scores[key(best)]):
        return first or task.space.min()
    return best


def neighbours(
    task: SearchTask, sensitivity: Sensitivity, config: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield subnets where one hparam is a choice larger or smaller and others pay or gain."""
    names = sorted(task.space, key=lambda name: -sensitivity.losses[name][config[name]])
    for name in names[:_NEIGHBOURS]:
        choices = task.space[name].choices
        position = choices.index(config[name])
        if position:
            shrunk = {**config, name: choices[position - 1]}
            yield fill(task, sensitivity, spend(task, sensitivity, shrunk, keep=[name]))
        if position + 1 < len(choices):
            paid = _paid(task, sensitivity, {**config, name: choices[position + 1]}, name)
            if paid is not None:
                yield fill(task, sensitivity, spend(task, sensitivity, paid))


def _paid(
    task: SearchTask, sensitivity: Sensitivity, config: dict[str, Any], grown: str
) -> dict[str, Any] | None:
    """Let others than *grown* shrink, where it costs least, until the constraints allow it."""
    while not task.allows(config):
        ways = []
        for name, hparam in task.space.items():
            position = hparam.choices.index(config[name])
            if name != grown and position:
                smaller = hparam.choices[position - 1]
                losses = sensitivity.losses[name]
                lost = losses[smaller] ** 2 - losses[config[name]] ** 2
                ways.append((lost, name, smaller))
        if not ways:
            return None
        lost, name, smaller = min(ways, key=lambda way: way[0])
        if not math.isfinite(lost):
            return None
        config = {**config, name: smaller}
    return config
