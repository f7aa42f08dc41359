"""What Espalier makes of a model, and two ways to prune that look at nothing."""

import fractions
from random import Random
from typing import Any

from torch import nn

import espalier

from .task import Budget, Counted, Pruned, Task


#: Widths are multiples of it, as for everybody.
DIVISOR = 8

#: How often fastnas may ask for the score; random draws as many configurations.
CALLS = 40

#: What the modes are told: a divisor for every layer type that the two models have.
SIZES = {
    "nn.Conv2d": {"channel_divisor": DIVISOR},
    "nn.BatchNorm2d": {"feature_divisor": DIVISOR},
    "nn.Embedding": {"feature_divisor": DIVISOR},
    "nn.LayerNorm": {"feature_divisor": DIVISOR},
    "nn.Linear": {"feature_divisor": DIVISOR},
}

#: By mode: what its searcher is told.
SEARCHES: dict[str, dict[str, Any]] = {
    "fastnas": {"max_score_calls": CALLS, "progress": False},
    "gradnas": {"progress": False},
}


def keep(task: Task, model: nn.Module, budget: Budget, seed: int) -> Pruned:
    """Return the full model, to compare with."""
    del task, budget, seed
    return Pruned(model)


def prune(task: Task, model: nn.Module, budget: Budget, mode: str, seed: int) -> Pruned:
    """Prune in a mode of Espalier, as a user would."""
    del seed
    score = Counted(task.score)
    pruned, _ = espalier.prune(
        model,
        mode,
        constraints=_constraints(budget),
        inputs=task.inputs,
        score=score,
        data=task.calibration,
        loss=task.loss,
        config=SIZES,
        search_config=SEARCHES[mode],
    )
    return Pruned(pruned.eval(), score.calls)


def uniform(task: Task, model: nn.Module, budget: Budget, seed: int) -> Pruned:
    """Keep the same share of every size, the largest that the budget allows; units by L2."""
    del seed
    space = _sorted_space(task, model)
    full = _cost(model, budget)
    shares = {
        fractions.Fraction(choice, hparam.max)
        for hparam in space.values()
        for choice in hparam.choices
    }
    for share in sorted(shares, reverse=True):
        config = {
            name: max((c for c in hparam.choices if c <= share * hparam.max), default=hparam.min)
            for name, hparam in space.items()
        }
        if _cost(model, budget, config) <= budget.percent / 100 * full:
            space.select(config)
            return Pruned(espalier.export(model).eval(), note=f"share {float(share):.3f}")
    raise ValueError(f"no share of all sizes keeps to {budget}")


def random(task: Task, model: nn.Module, budget: Budget, seed: int) -> Pruned:
    """
    Keep the best by score of `CALLS` random subnets that use what the budget allows.

    Each starts at the largest; a random size loses a step until the budget holds. Batch norm is
    re-estimated before each is scored.
    """
    space = _sorted_space(task, model)
    score, rng = Counted(task.score), Random(seed)
    limit = budget.percent / 100 * _cost(model, budget)
    found = []
    for _ in range(CALLS):
        config = _cut_at_random(model, budget, limit, rng)
        space.select(config)
        if task.re_estimate is not None:
            task.re_estimate(model)
        found.append((score(model), config))
    _, best = max(found, key=lambda one: one[0])
    space.select(best)
    if task.re_estimate is not None:
        task.re_estimate(model)
    return Pruned(espalier.export(model).eval(), score.calls, f"best of {CALLS}")


def _cut_at_random(model: nn.Module, budget: Budget, limit: float, rng: Random) -> dict[str, Any]:
    space = espalier.space(model)
    config = dict(space.max())
    while _cost(model, budget, config) > limit:
        name = rng.choice([n for n, hparam in space.items() if config[n] > hparam.min])
        config[name] = max(choice for choice in space[name].choices if choice < config[name])
    return config


def _sorted_space(task: Task, model: nn.Module) -> Any:
    espalier.convert(model, "fastnas", inputs=task.inputs, config=SIZES)
    space = espalier.space(model)
    space.sort(task.inputs)
    return space


def _constraints(budget: Budget) -> dict[str, str]:
    return {budget.metric: f"{budget.percent}%"}


def _cost(model: nn.Module, budget: Budget, config: dict[str, Any] | None = None) -> float:
    metric = espalier.metrics[budget.metric]()
    return metric.measure(model, config or espalier.space(model).max())
