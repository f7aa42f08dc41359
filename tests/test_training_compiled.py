"""A supernet under `torch.compile`: no graph break, and one compilation per configuration."""

import pytest
import torch

import espalier
from tests.models import FINE, images, small_cnn


def converted(*, ordered=False):
    """Return a converted network, and three of its configurations."""
    model = espalier.convert(small_cnn(), inputs=images(), config=FINE)
    space = espalier.space(model)
    if ordered:
        for hparam in space.values():
            hparam.enforce_order(torch.arange(hparam.units - 1, -1, -1))
    middle = {name: hparam.units // 2 for name, hparam in space.items()}
    return model, [middle, space.max(), space.min()]


class Counting:
    """A backend that runs what was captured, and counts how often it was asked to."""

    def __init__(self):
        self.count = 0

    def __call__(self, graph, inputs):
        self.count += 1
        return graph.forward


@pytest.fixture(autouse=True)
def fresh_compiler():
    torch.compiler.reset()
    yield
    torch.compiler.reset()


@pytest.mark.parametrize("ordered", [False, True], ids=["prefix", "reordered"])
@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_each_configuration_is_compiled_once(training, ordered):
    """
    Coming back to an earlier configuration runs what was compiled for it, and is right.
    """
    model, configs = converted(ordered=ordered)
    model.train(training)
    counting = Counting()
    compiled = torch.compile(model, backend=counting, fullgraph=True)
    space = espalier.space(model)
    for _ in range(3):
        for config in configs:
            space.select(config)
            with torch.set_grad_enabled(training):
                torch.testing.assert_close(model(images()), compiled(images()))

    assert len(configs) == counting.count


def test_gradients_of_a_compiled_supernet_are_those_of_the_eager_one():
    """
    The ahead-of-time compiled backward reaches the same parts of the parameters.
    """
    model, (middle, *_) = converted()
    espalier.space(model).select(middle)
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    found = []
    for run in (model, compiled):
        model.zero_grad()
        run(images()).square().sum().backward()
        found.append([parameter.grad.clone() for parameter in model.parameters()])

    torch.testing.assert_close(found[0], found[1])


def test_statistics_of_a_compiled_supernet_land_in_the_buffers():
    """
    Running statistics of reordered units are written back by what was compiled.
    """
    states = []
    for backend in (None, "eager"):
        model, (middle, *_) = converted(ordered=True)
        espalier.space(model).select(middle)
        model.train()
        run = model if backend is None else torch.compile(model, backend=backend, fullgraph=True)
        run(images())
        states.append(model.state_dict())

    torch.testing.assert_close(states[0], states[1])
    assert not torch.equal(small_cnn()[1].running_mean, states[0]["1.running_mean"])


def test_more_configurations_than_the_limit_run_uncompiled():
    """
    Past ``recompile_limit`` torch runs what it does not compile; results stay right.
    """
    model, _ = converted()
    space = espalier.space(model)
    counting = Counting()
    compiled = torch.compile(model, backend=counting)
    (name, hparam), *_ = space.items()
    with torch._dynamo.config.patch(recompile_limit=2), torch.no_grad():
        for choice in hparam.choices:
            space.select({name: choice})
            torch.testing.assert_close(model(images()), compiled(images()))

    assert 0 < counting.count < len(hparam.choices)
