"""Whole networks: what is converted, sorted and exported computes what the plain one did."""

import copy
import random

import pytest
import torch
from torch import nn

import espalier
from espalier.spaces import supernet_of
from espalier.spaces.sorting import sort
from tests.agreement import (
    ALL_SIZES,
    assert_counts_are_right,
    assert_near,
    exported_copy,
    full_with_zeros,
    randomize,
)
from tests.networks import NETWORKS, ZERO_KEEPING, UNet


every_network = pytest.mark.parametrize("name", NETWORKS)


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    # Networks this small gain nothing from several threads, which wait for each other.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def plain_and_inputs(name):
    """Return a seeded network in evaluation mode, and inputs of it."""
    make, shape = NETWORKS[name]
    inputs = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    return randomize(make()), inputs


def converted(model, inputs):
    return espalier.convert(model, inputs=inputs, config=ALL_SIZES)


def configs(model, count=5):
    """Yield the smallest configuration and random ones, each made active."""
    space = espalier.space(model)
    for seed in range(count):
        space.select(space.sample(random.Random(seed)) if seed else space.min())
        yield space.config()


@every_network
def test_every_name_says_where_the_size_is(name):
    """
    It is the path of a module and one of its attributes, with a number where that has several.
    """
    model = converted(*plain_and_inputs(name))
    modules = dict(model.named_modules())
    hparams = espalier.space(model)

    assert hparams
    for found in hparams:
        path, attribute = found.rsplit(".", 2 if found[-1].isdigit() else 1)[:2]
        assert hasattr(modules[path], attribute)


@every_network
def test_the_largest_subnet_is_the_plain_model(name):
    """
    Conversion changes no bit of the output.
    """
    model, inputs = plain_and_inputs(name)
    with torch.no_grad():
        expected = model(inputs)
        converted(model, inputs)

        assert torch.equal(expected, model(inputs))


@every_network
def test_export_and_counts_agree_with_the_supernet(name):
    """
    At any configuration the exported model computes what the supernet did, and the metrics
    give its parameters and multiply-accumulates.
    """
    model, inputs = plain_and_inputs(name)
    converted(model, inputs)
    for _ in configs(model, 6):
        exported = exported_copy(model, inputs)
        assert_counts_are_right(model, exported, inputs)
        assert not [m for m in exported.modules() if isinstance(m, espalier.DynamicModule)]


@every_network
def test_sorting_keeps_the_function(name):
    """
    Units change places in every tensor that carries them, so the largest subnet stays as it was.
    """
    model, inputs = plain_and_inputs(name)
    with torch.no_grad():
        expected = model(inputs)
        converted(model, inputs)
        before = copy.deepcopy(model.state_dict())
        sort(model, supernet_of(model))

        assert any(not torch.equal(before[k], v) for k, v in model.state_dict().items())
        assert_near(model(inputs), expected)
    for _ in configs(model, 3):
        exported_copy(model, inputs)


@pytest.mark.parametrize("name", ZERO_KEEPING)
def test_what_is_pruned_is_what_could_be_zero(name):
    """
    The exported model is the full one with the pruned units' weights at zero.
    """
    model, inputs = plain_and_inputs(name)
    converted(model, inputs)
    sort(model, supernet_of(model))
    plain, _ = plain_and_inputs(name)
    plain.load_state_dict(model.state_dict())
    for _ in configs(model):
        exported = exported_copy(model, inputs)
        with torch.no_grad():
            assert_near(exported(inputs), full_with_zeros(model, plain)(inputs))


@every_network
def test_gradients_of_a_subnet_are_those_of_its_export(name):
    """
    Training inside the supernet moves each active weight as training the exported model would.
    """
    model, inputs = plain_and_inputs(name)
    converted(model.double(), inputs.double())
    for _ in configs(model, 3):
        model.zero_grad()
        exported = exported_copy(model, inputs.double())
        for network in (model, exported):
            network(inputs.double()).square().sum().backward()
        active = {n: p.grad.abs().sum() for n, p in exported.named_parameters()}
        for path, parameter in model.named_parameters():
            # The rest of it got exactly nothing, so the sums are equal.
            torch.testing.assert_close(parameter.grad.abs().sum(), active[path])


def test_halves_that_must_stay_equal_are_not_offered_apart():
    """
    ``chunk`` cuts in the middle, so two sizes on its two sides are no choice.
    """

    class SwapHalves(nn.Module):
        def forward(self, x):
            first, second = x.chunk(2, 1)
            return torch.cat([second, first.relu()], 1)

    model = nn.Sequential(nn.Conv2d(3, 6, 1), SwapHalves(), nn.Conv2d(6, 3, 1))
    inputs = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(1))
    converted(randomize(model), inputs)
    for _ in configs(model, 8):
        exported_copy(model, inputs)


def test_a_group_of_a_transposed_convolution_goes_as_a_whole():
    """
    Its input channels, output channels and group count shrink together.
    """
    model, inputs = randomize(UNet(groups=2)), torch.randn(1, 3, 8, 8)
    converted(model, inputs)
    espalier.space(model).select({"up.groups": 1})
    exported = exported_copy(model, inputs)

    assert (1, 4, 3) == (exported.up.groups, exported.up.in_channels, exported.up.out_channels)
    assert (4, 3, 2, 2) == tuple(exported.up.weight.shape)
    assert 9 == exported.merge[0].in_channels
