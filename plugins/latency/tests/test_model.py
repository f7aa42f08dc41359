"""What is told of subnets that nobody measured."""

import itertools
import random

import numpy as np
import pytest
import torch
from torch import nn

import espalier
from espalier.spaces import supernet_of
from espalier_latency.features import FAMILIES, Features
from espalier_latency.model import LatencyModel, Measurement
from espalier_latency.regression import best_fit, fitted, left_out
from espalier_latency.subnets import draws


RULES = {"nn.Conv2d": {"channel_divisor": 4}, "nn.Linear": {"feature_divisor": 4}}


@pytest.fixture
def model():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = nn.Sequential(
            nn.Conv2d(3, 32, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 48, 3, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(48 * 36, 40),
            nn.ReLU(),
            nn.Linear(40, 4),
        )
    return espalier.convert(net, inputs=torch.zeros(2, 3, 6, 6), config=RULES)


def truth(model, config):
    """Return a time that some machine might take, over that of the largest subnet."""
    costs = supernet_of(model).costs
    flops = costs.flops_by_module(config)
    ticks = 40_000 + flops["0"] + 0.5 * flops["2"] + 2 * flops["5"] + costs.weight_bytes(config)
    return float(ticks)


def fitted_model(model, count=30):
    space = espalier.space(model)
    configs = [space.max(), space.min(), *itertools.islice(draws(space, 0), count)]
    largest = truth(model, space.max())
    measured = [Measurement(config, truth(model, config) / largest) for config in configs]
    return LatencyModel(Features(supernet_of(model).costs, space), 5.0, measured)


def test_unseen_subnets_of_a_machine_that_adds_up(model):
    """
    Where time is a sum over modules, that is found from 32 subnets, and the error told is true.
    """
    found, space = fitted_model(model), espalier.space(model)
    largest = truth(model, space.max())
    rng = random.Random(7)
    configs = [space.sample(rng) for _ in range(50)]
    errors = [
        abs(found.latency_ms(config) / (5 * truth(model, config) / largest) - 1)
        for config in configs
    ]

    assert 100 * sum(errors) / len(errors) < 3
    assert found.error_percent < 3


def test_the_extremes_are_as_they_were_measured(model):
    """
    A percentage is of the largest subnet's measured latency, and a refusal of the smallest's.
    """
    found, space = fitted_model(model), espalier.space(model)
    largest, smallest = truth(model, space.max()), truth(model, space.min())

    assert 5.0 == pytest.approx(found.latency_ms(space.max()), rel=1e-9)
    assert 5.0 * smallest / largest == pytest.approx(found.latency_ms(space.min()), rel=1e-9)


@pytest.mark.parametrize("chosen", [0, 1, 3])
def test_a_larger_size_never_takes_less(model, chosen):
    """
    Whatever was learned of subnets that were measured in the end, however it contradicts.
    """
    found, space = fitted_model(model, 12), espalier.space(model)
    rng = random.Random(chosen)
    for _ in range(chosen):
        config = space.sample(rng)
        found.learn(Measurement(config, rng.uniform(0.1, 1.5), is_chosen=True))
    for _ in range(100):
        config = space.sample(rng)
        name = rng.choice(sorted(space))
        larger = [choice for choice in space[name].choices if choice > config[name]]
        if larger:
            grown = {**config, name: larger[0]}
            assert found.latency_ms(config) <= found.latency_ms(grown) * (1 + 1e-9)


def test_a_chosen_subnet_is_learned(model):
    """
    After it was measured, what is told of it is what was measured.
    """
    found, space = fitted_model(model), espalier.space(model)
    config = space.sample(random.Random(3))
    before = found.latency_ms(config)
    found.learn(Measurement(config, 1.1 * before / 5, is_chosen=True))

    assert 1.1 * before == pytest.approx(found.latency_ms(config), rel=0.01)


def test_the_error_is_of_subnets_that_were_left_out():
    """
    As a brute-force loop over the folds computes it.
    """
    rng = np.random.default_rng(0)
    table = np.hstack([np.ones((20, 1)), rng.random((20, 3))])
    times = table @ [0.2, 0.5, 0.1, 0.3] * rng.uniform(0.9, 1.1, 20)
    expected = np.empty(20)
    for number in range(20):
        others = [i for i in range(20) if i % 8 != number % 8]
        expected[number] = table[number] @ fitted(table[others], times[others], 1e-2)

    np.testing.assert_allclose(left_out(table, times, 1e-2), expected)
    fit = best_fit({"only": table}, times)
    errors = 100 * np.abs(left_out(table, times, fit.penalty) / times - 1)
    assert errors.mean() == pytest.approx(fit.error_percent)
    assert errors.max() == pytest.approx(fit.worst_percent)


def test_features_never_fall(model):
    """
    A larger choice of any hparam has no less of any feature, and the largest has 1 of each.
    """
    space = espalier.space(model)
    features, rng = Features(supernet_of(model).costs, space), random.Random(0)
    for family in FAMILIES:
        np.testing.assert_allclose(features.of(family, space.max()), 1.0)
        for _ in range(20):
            config = space.sample(rng)
            name = rng.choice(sorted(space))
            grown = {**config, name: space[name].max}
            assert (features.of(family, grown) >= features.of(family, config)).all()


def test_telling_takes_one_look_at_each_subnet(model, monkeypatch):
    """
    Searchers ask for thousands of configurations, and for each of them often.
    """
    found, space = fitted_model(model), espalier.space(model)
    looks, of = [], Features.of

    def counting(features, family, config):
        looks.append(config)
        return of(features, family, config)

    monkeypatch.setattr(Features, "of", counting)
    configs = [space.sample(random.Random(i)) for i in range(100)]
    for config in [*configs, *configs]:
        found.latency_ms(config)

    assert len({tuple(config.values()) for config in configs}) == len(looks)


def test_what_is_measured_spans_the_space(model):
    """
    Different subnets, small ones and large ones, the same for the same seed.
    """
    space = espalier.space(model)
    configs = list(itertools.islice(draws(space, 0), 46))
    shares = [sum(c[n] / space[n].max for n in space) / len(space) for c in configs]

    assert 46 == len({tuple(config.values()) for config in configs})
    assert min(shares) < 0.3
    assert max(shares) > 0.8
    assert configs == list(itertools.islice(draws(space, 0), 46))


def test_a_small_space_is_measured_whole():
    """
    There are no more subnets than there are.
    """
    net = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 2))
    model = espalier.convert(net, inputs=torch.zeros(1, 4), config=RULES)

    assert 2 == espalier.space(model).size
    assert [] == list(draws(espalier.space(model), 0))
