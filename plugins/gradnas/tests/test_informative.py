"""What is known to matter is kept."""

import pytest
import torch
from torch import nn

import espalier

from .networks import seeded
from .test_searcher import QUIET, RULES, batches


def informative(seed):
    """
    Return a network that computes a function, and the hidden units that take part in it.

    The others are loud: their weights are large, but what they give cancels in pairs, or is never
    read.
    """
    generator = torch.Generator().manual_seed(seed)
    model = seeded(lambda: nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 3)), seed)
    order = torch.randperm(24, generator=generator)
    useful, deaf = order[:12], order[12:]
    with torch.no_grad():
        model[0].weight[deaf] *= 10
        model[2].weight[:, deaf] = 0
        model[0].bias[deaf[:6]] = -1e3  # never fires
        model[2].weight[:, deaf[:6]] = 10
    return model, useful


@pytest.mark.parametrize("seed", range(5))
def test_informative_units_are_kept(seed):
    """
    Half of the units do nothing, though their weights are the largest: they go, and the function
    stays, where magnitudes keep some of them.
    """
    model, useful = informative(seed)
    kept = set(map(tuple, model[0].weight.detach()[useful].tolist()))
    with torch.no_grad():
        expected = [model(batch) for batch in batches()]
    target = dict(zip(map(id, data := batches()), expected, strict=True))

    def fit(model, batch):
        return (model(batch) - target[id(batch)] - 0.1).square().mean()

    by_magnitude, _ = informative(seed)
    for network, mode in ((model, "gradnas"), (by_magnitude, "fastnas")):
        settings = {"constraints": {"flops": "50%"}, "inputs": data[0], "config": RULES}
        espalier.prune(network, mode, loss=fit, data=data, search_config=QUIET, **settings)
    with torch.no_grad():
        found = [model(batch) for batch in data]

    assert kept == set(map(tuple, model[0].weight.detach().tolist()))
    for one, other in zip(expected, found, strict=True):
        torch.testing.assert_close(one, other)
    assert kept != set(map(tuple, by_magnitude[0].weight.detach().tolist()))
