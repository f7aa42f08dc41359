"""A small network and ways to judge it, for the tests of the search."""

import itertools

import torch
from torch import nn

import espalier
from espalier.searching import Constraints, SearchConfig, SearchTask


#: Four choices for each of three sizes.
RULES = {"nn.Linear": {"feature_divisor": 4}}


def chain(*, seed=0):
    """Return a converted chain of linear layers; input ``(N, 6)``, 64 configurations."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        widths = [6, 16, 16, 16, 3]
        layers = [nn.Linear(a, b) for a, b in itertools.pairwise(widths)]
    model = nn.Sequential(*layers)
    return espalier.convert(model, inputs=torch.zeros(1, 6), config=RULES)


def task_on(model, constraints, score=None):
    """Return a search of *model* without a progress bar."""
    bounds = Constraints.resolve(model, constraints)
    return SearchTask(model, bounds, score, config=SearchConfig(progress=False))


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
