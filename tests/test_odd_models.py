"""Models written as people write them, on the inputs they were converted with and on others."""

import copy
import random

import pytest
import torch
from torch.utils import _pytree as pytree

import espalier
from espalier.spaces import supernet_of
from espalier.spaces.sorting import permute
from tests.agreement import ALL_SIZES, assert_near
from tests.odd_models import ODD_MODELS


every_model = pytest.mark.parametrize("name", ODD_MODELS)
pytestmark = pytest.mark.filterwarnings("ignore:.*ComplexHalf:UserWarning")


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    # Networks this small gain nothing from several threads, which wait for each other.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def seeded(name):
    """Return a model with random parameters, none of them zero, and all inputs for it."""
    make, shapes = ODD_MODELS[name]
    model, generator = make().eval(), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            values = torch.rand(parameter.shape, generator=generator) * 0.4 + 0.1
            signs = torch.rand(parameter.shape, generator=generator) < 0.5
            parameter.copy_(torch.where(signs, -values, values))
    return model, [torch.randn(shape, generator=generator) for shape in shapes]


def shuffled(model):
    """Put the units of every size of a converted model in a random order; return the orders."""
    supernet, generator = supernet_of(model), torch.Generator().manual_seed(2)
    orders = {
        hparam.name: torch.randperm(hparam.units, generator=generator)
        for hparam in supernet.space.every()
        if hparam.is_configurable and hparam.is_sortable
    }
    permute(model, supernet, orders)
    return orders


def assert_alike(actual, expected):
    """Compare all tensors of two outputs."""
    pairs = zip(pytree.tree_leaves(actual), pytree.tree_leaves(expected), strict=True)
    for one, other in pairs:
        assert_near(one, other, share=1e-4)


def trained(model, inputs):
    """Take one step on *inputs*; return what the model computes before and after it."""
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    before = model(inputs)
    sum(output.abs().sum() for output in pytree.tree_leaves(before)).backward()
    before = pytree.tree_map(torch.Tensor.detach, before)
    optimizer.step()
    model.eval()
    with torch.no_grad():
        return [before, model(inputs)]


@every_model
def test_the_order_of_the_units_does_not_matter(name):
    """
    The largest subnet is the plain model bit for bit, and with its units shuffled still the
    same function, on inputs of any size.
    """
    model, inputs = seeded(name)
    with torch.no_grad():
        expected = [model(given) for given in inputs]
        espalier.convert(model, inputs=inputs[0], config=ALL_SIZES)
        for given, output in zip(inputs, expected, strict=True):
            pairs = zip(pytree.tree_leaves(output), pytree.tree_leaves(model(given)), strict=True)
            assert all(torch.equal(one, other) for one, other in pairs)

        assert shuffled(model)
        for given, output in zip(inputs, expected, strict=True):
            assert_alike(model(given), output)


@every_model
def test_the_export_is_the_subnet(name):
    """
    At any sizes both compute the same on inputs of any size, and one step of training moves
    them alike.
    """
    model, inputs = seeded(name)
    espalier.convert(model, inputs=inputs[0], config=ALL_SIZES)
    shuffled(model)
    space = espalier.space(model)
    for seed in range(3):
        space.select(space.sample(random.Random(seed)) if seed else space.min())
        exported = espalier.export(copy.deepcopy(model))
        with torch.no_grad():
            for given in inputs:
                assert_alike(exported(given), model(given))
        assert_alike(trained(exported, inputs[0]), trained(copy.deepcopy(model), inputs[0]))
