"""The search space of a converted model is a space of domains like any other."""

import json
import random

import pytest
import torch
from torch import nn

import espalier
from espalier import Float, Ordinal, Space
from espalier.errors import DomainError


@pytest.fixture(scope="module")
def model():
    """A converted network of convolutions with a skip connection's worth of sizes."""
    torch.manual_seed(0)
    plain = nn.Sequential(
        nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.Flatten()
    )
    return espalier.convert(
        nn.Sequential(plain, nn.Linear(32 * 16, 5)), inputs=torch.zeros(1, 3, 8, 8)
    )


def test_every_size_is_a_domain(model):
    """
    The names and choices are those of the model, and the original sizes the default.
    """
    sizes = espalier.space(model)
    space = Space.of(sizes)

    assert list(sizes) == list(space)
    assert {name: tuple(h.choices) for name, h in sizes.items()} == {
        name: domain.choices for name, domain in space.items()
    }
    assert all(isinstance(domain, Ordinal) for domain in space.values())
    assert sizes.original() == space.default()


def test_what_is_sampled_can_be_selected_and_runs(model):
    """
    A configuration of the space is one of the model, whichever of both it came from.
    """
    sizes, rng = espalier.space(model), random.Random(0)
    space = Space.of(sizes)
    for config in (space.sample(rng), space.at(0), space.at(space.size - 1)):
        sizes.select(config)

        assert config == sizes.config()
        assert (2, 5) == tuple(model(torch.randn(2, 3, 8, 8)).shape)
    for config in (sizes.sample(rng), sizes.min(), sizes.max()):
        assert config == space.check(config) == space.at(space.index(config))
    sizes.select(sizes.original())


def test_sizes_stand_beside_other_parameters(model):
    """
    The sizes of a model and a learning rate are one space, which JSON can write.
    """
    space = Space({**espalier.space(model), "lr": Float(1e-4, 1e-1, log=True)})
    again = Space.from_dict(json.loads(json.dumps(space.to_dict())))

    assert space == again
    assert ["lr"] == again.uncountable
    name = next(iter(space))
    with pytest.raises(DomainError, match=f"^{name}: must be one of"):
        space.check({**space.default(), name: 5})
