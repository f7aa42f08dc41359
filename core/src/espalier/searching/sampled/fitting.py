"""Shrink a configuration until the constraints allow it, or enlarge it as far as they do."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ...hparams import Hparam

#: Halvings of the share that is kept; finer than any hparam has choices.
_HALVINGS = 16


def fitted(
    space: Mapping[str, Hparam], config: Mapping[str, Any], allows: Callable[[Any], bool]
) -> dict[str, Any] | None:
    """
    Return the largest configuration within *config*, in its proportions, that is allowed.

    All hparams go down together by the same share of their choices, as little as will do; then
    those that went down furthest go up again choice by choice, while that is allowed. So what
    comes out is allowed, nowhere larger than *config*, and can't grow towards it any further.

    Args:
        space: The hparams, by name.

        config: A choice of each.

        allows: Whether a configuration keeps the constraints. What is smaller is taken to keep
            them if something larger does.

    Returns:
        ``None`` if not even the smallest is allowed.
    """
    if allows(config):
        return dict(config)
    wanted = {name: hparam.choices.index(config[name]) for name, hparam in space.items()}

    def at(places: Mapping[str, int]) -> dict[str, Any]:
        return {name: hparam.choices[places[name]] for name, hparam in space.items()}

    def scaled(share: float) -> dict[str, int]:
        return {name: int(place * share + 0.5) for name, place in wanted.items()}

    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if allows(at(scaled(middle))):
            low = middle
        else:
            high = middle
    places = scaled(low)
    if not allows(at(places)):
        return None
    return at(_towards(wanted, places, lambda found: allows(at(found))))


def grown(
    space: Mapping[str, Hparam], config: Mapping[str, Any], allows: Callable[[Any], bool]
) -> dict[str, Any]:
    """
    Return *config* enlarged choice by choice while that is allowed, smallest shares first.

    Args:
        space: The hparams, by name.

        config: A choice of each; it is allowed.

        allows: Whether a configuration keeps the constraints.
    """
    places = {name: hparam.choices.index(config[name]) for name, hparam in space.items()}
    largest = {name: len(hparam.choices) - 1 for name, hparam in space.items()}

    def at(found: Mapping[str, int]) -> dict[str, Any]:
        return {name: hparam.choices[found[name]] for name, hparam in space.items()}

    return at(_towards(largest, places, lambda found: allows(at(found))))


def _towards(
    wanted: Mapping[str, int], places: dict[str, int], allows: Callable[[Mapping[str, int]], bool]
) -> dict[str, int]:
    """Let *places* grow towards what is *wanted*, those that are furthest from it first."""
    order = {name: number for number, name in enumerate(places)}
    queue = [
        (place / wanted[name], order[name], name)
        for name, place in places.items()
        if place < wanted[name]
    ]
    heapq.heapify(queue)
    while queue:
        _, number, name = heapq.heappop(queue)
        grown = {**places, name: places[name] + 1}
        if not allows(grown):  # nor will it be once others are larger
            continue
        places = grown
        if places[name] < wanted[name]:
            heapq.heappush(queue, (places[name] / wanted[name], number, name))
    return places
