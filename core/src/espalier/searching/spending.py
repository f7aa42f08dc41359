"""Give back what the budget still allows."""

from __future__ import annotations

import heapq
import itertools
import math
from typing import TYPE_CHECKING, Any

from .thresholds import raised, share


if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from .task import SearchTask
    from .thresholds import Sensitivity

#: Of the budget, what a subnet should use if the choices allow it.
ENOUGH = 0.97

#: Subnets that are tried to get there.
_TRADES = 400

#: As many configurations are all looked at.
_FEW = 1000


def spend(
    task: SearchTask,
    sensitivity: Sensitivity,
    config: Mapping[str, Any],
    *,
    keep: Collection[str] = (),
) -> dict[str, Any]:
    """
    Enlarge *config* choice by choice while the constraints allow it.

    Each time, the step is taken that wins back most loss for the share of the budget it costs;
    among those that win nothing, the one that costs most.

    Args:
        task: The search.

        sensitivity: What each choice loses.

        config: Where to start; it satisfies the constraints.

        keep: Names of hparams that stay as they are.
    """
    config = dict(config)
    # A step gets no cheaper while others grow, and what was too much stays too much. So the
    # worth of a step is an upper bound of what it will be, and only the first has to be looked
    # at again.
    steps = [
        step
        for name in config
        if name not in keep
        if (step := _step(task, sensitivity, config, name))
    ]
    heapq.heapify(steps)
    while steps:
        name = heapq.heappop(steps)[-1]
        now = _step(task, sensitivity, config, name)
        if now is None:
            continue
        if steps and steps[0] < now:
            heapq.heappush(steps, now)
            continue
        config[name] = _larger(task, config, name)
        following = _step(task, sensitivity, config, name)
        if following is not None:
            heapq.heappush(steps, following)
    return config


def fill(task: SearchTask, sensitivity: Sensitivity, config: Mapping[str, Any]) -> dict[str, Any]:
    """
    Trade choices of *config*, to which nothing can be added, until it uses enough of the budget.

    Of few configurations all are looked at. Of many, one or two hparams give way, and the others
    take what that frees; those trades come first that lose least.

    Returns:
        What uses `ENOUGH` and loses least, of few; the first that uses `ENOUGH`, of many; and
        where there is none, what uses most.
    """
    best = dict(config)
    used = share(task, best)
    if used < ENOUGH and math.prod(len(h.choices) for h in task.space.values()) <= _FEW:
        return _best_of_all(task, sensitivity, best)
    for shrunk in itertools.islice(_shrunk(task, sensitivity, best), _TRADES):
        if used >= ENOUGH:
            break
        given = [name for name, choice in shrunk.items() if choice != config[name]]
        traded = spend(task, sensitivity, shrunk, keep=given)
        found = share(task, traded)
        if found > used:
            best, used = traded, found
    return best


def _best_of_all(
    task: SearchTask, sensitivity: Sensitivity, otherwise: dict[str, Any]
) -> dict[str, Any]:
    choices = [hparam.choices for hparam in task.space.values()]
    every = (dict(zip(task.space, chosen, strict=True)) for chosen in itertools.product(*choices))
    return max(
        filter(task.allows, every),
        key=lambda config: (min(share(task, config), ENOUGH), -sensitivity.total(config)),
        default=otherwise,
    )


def _shrunk(
    task: SearchTask, sensitivity: Sensitivity, config: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield what lets one hparam give way, and then two, those that lose least first."""
    ways = [
        (name, choice)
        for name, hparam in task.space.items()
        for choice in hparam.choices
        if choice < config[name] and math.isfinite(sensitivity.losses[name][choice])
    ]

    def lost(changes: tuple[tuple[str, Any], ...]) -> float:
        return sum(
            raised(sensitivity.losses[name][choice])
            - raised(sensitivity.losses[name][config[name]])
            for name, choice in changes
        )

    yield from (
        {**config, name: choice} for name, choice in sorted(ways, key=lambda w: lost((w,)))
    )
    first = sorted(ways, key=lambda way: lost((way,)))[:64]
    pairs = (pair for pair in itertools.combinations(first, 2) if pair[0][0] != pair[1][0])
    yield from ({**config, **dict(pair)} for pair in sorted(pairs, key=lost))


def _step(
    task: SearchTask, sensitivity: Sensitivity, config: Mapping[str, Any], name: str
) -> tuple[float, float, str] | None:
    """Return what the next larger choice is worth, negated; ``None`` if it does not fit."""
    larger = _larger(task, config, name)
    if larger is None:
        return None
    grown = {**config, name: larger}
    if not task.allows(grown):
        return None
    losses = sensitivity.losses[name]
    cost = share(task, grown) - share(task, config)
    win = _difference(losses[config[name]], losses[larger])
    return (-win / max(cost, 1e-12), -cost, name)


def _larger(task: SearchTask, config: Mapping[str, Any], name: str) -> Any:
    return next((c for c in task.space[name].choices if c > config[name]), None)


def _difference(more: float, less: float) -> float:
    if math.isinf(more):
        return 0.0 if math.isinf(less) else math.inf
    return more - less
