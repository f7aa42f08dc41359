"""A small network and ways to judge it, for the tests of the search."""

import itertools
import random

import torch
from torch import nn

import espalier
from espalier.searching import Constraints, SearchConfig, SearchTask
from espalier_fastnas.sensitivity import Measurements, calls_needed


#: Four choices for each of three sizes.
RULES = {"nn.Linear": {"feature_divisor": 4}}

BUDGETS = ["95%", "70%", "50%", "30%", "15%"]


def chain(*, seed=0):
    """Return a converted chain of linear layers; input ``(N, 6)``, 64 configurations."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        widths = [6, 16, 16, 16, 3]
        layers = [nn.Linear(a, b) for a, b in itertools.pairwise(widths)]
    model = nn.Sequential(*layers)
    return espalier.convert(model, inputs=torch.zeros(1, 6), config=RULES)


def configurations(space):
    """Yield every configuration there is."""
    for choices in itertools.product(*(hparam.choices for hparam in space.values())):
        yield dict(zip(space, choices, strict=True))


def task_on(model, constraints, score=None):
    """Return a search of *model* without a progress bar."""
    bounds = Constraints.resolve(model, constraints)
    return SearchTask(model, bounds, score, config=SearchConfig(progress=False))


def measured_all(task):
    """Return what is known after every choice was scored alone."""
    measurements = Measurements.of(task, task.score(task.space.max()))
    measurements.take(calls_needed(task.space) - 1)
    return measurements


def table_score(space, losses):
    """Return a score that is minus the sum of a given loss for each active choice."""

    def score(model):
        del model
        return -sum(losses[name][hparam.active] for name, hparam in space.items())

    return score


def random_losses(space, rng):
    """Return a loss for each choice, none for the largest; not monotone."""
    return {
        name: {choice: 0.0 if choice == hparam.max else rng.random() for choice in hparam.choices}
        for name, hparam in space.items()
    }


def prepared(model, budget, seed):
    """Return a search of *model* by random losses, and what is known of them all."""
    space = espalier.space(model)
    losses = random_losses(space, random.Random(seed))
    task = task_on(model, {"flops": budget}, table_score(space, losses))
    return task, measured_all(task).sensitivity()


def flops(model, config):
    """Return the multiply-accumulates of one configuration."""
    return espalier.metrics["flops"]().measure(model, config)
