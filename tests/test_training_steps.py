"""Optimisers, checkpointing and accumulation work through a supernet."""

import copy

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

import espalier


X = torch.randn(5, 6, generator=torch.Generator().manual_seed(1))


def supernet():
    """Return a converted network at half its sizes, and its space."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(6, 12), nn.Tanh(), nn.Linear(12, 8), nn.Tanh(), nn.Linear(8, 3)
    )
    espalier.convert(model, inputs=X, config={"nn.Linear": {"feature_divisor": 1}})
    space = espalier.space(model)
    space.select({name: hparam.units // 2 for name, hparam in space.items()})
    return model, space


OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "adam": lambda p: torch.optim.Adam(p, lr=0.01),
    "adamw foreach": lambda p: torch.optim.AdamW(p, lr=0.01, foreach=True),
    "adamw fused": lambda p: torch.optim.AdamW(p, lr=0.01, fused=True),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.1),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.01),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_are_those_of_the_exported_subnet(name):
    """
    Elementwise optimisers move the active part as they move the exported subnet.
    """
    model, _ = supernet()
    small = espalier.export(copy.deepcopy(model))
    for network in (model, small):
        optimizer = OPTIMIZERS[name](network.parameters())
        for _ in range(3):
            optimizer.zero_grad()
            network(X).square().mean().backward()
            nn.utils.clip_grad_norm_(network.parameters(), 0.1)
            optimizer.step()

    torch.testing.assert_close(small.state_dict(), espalier.export(model).state_dict())


def closure_of(model, optimizer):
    def closure():
        optimizer.zero_grad()
        loss = model(X).square().mean()
        loss.backward()
        return loss

    return closure


@pytest.mark.parametrize("kind", [torch.optim.LBFGS, torch.optim.Adafactor, *OPTIMIZERS.values()])
def test_configurations_may_change_between_steps(kind):
    """
    The state of an optimiser has the full sizes, so every configuration may follow any other.
    """
    model, space = supernet()
    optimizer = kind(model.parameters())
    before = copy.deepcopy(model.state_dict())
    for config in (space.min(), space.max(), space.config()):
        space.select(config)
        optimizer.step(closure_of(model, optimizer))

    assert all(tensor.isfinite().all() for tensor in model.parameters())
    assert all(not torch.equal(before[name], t) for name, t in model.state_dict().items())


@pytest.mark.parametrize("use_reentrant", [False, True])
def test_checkpointing_gives_the_same_gradients(use_reentrant):
    """
    What is computed again in the backward pass is the same subnet.
    """
    model, _ = supernet()
    found = []
    for run in (model, lambda x: checkpoint(model, x, use_reentrant=use_reentrant)):
        model.zero_grad()
        run(X.clone().requires_grad_()).square().sum().backward()
        found.append([parameter.grad.clone() for parameter in model.parameters()])

    torch.testing.assert_close(found[0], found[1], rtol=0, atol=0)


def test_gradients_of_several_configurations_add_up():
    """
    The sandwich rule: the gradients of the largest, the smallest and a middle subnet.
    """
    model, space = supernet()
    configs = (space.max(), space.min(), space.config())
    alone = []
    for config in configs:
        model.zero_grad()
        space.select(config)
        model(X).square().sum().backward()
        alone.append([parameter.grad.clone() for parameter in model.parameters()])
    model.zero_grad()
    for config in configs:
        space.select(config)
        model(X).square().sum().backward()

    torch.testing.assert_close(
        [sum(parts) for parts in zip(*alone, strict=True)],
        [parameter.grad for parameter in model.parameters()],
    )


def test_autocast_computes_what_the_exported_subnet_does():
    """
    Half precision on the CPU takes the same path through slices.
    """
    model, _ = supernet()
    small = espalier.export(copy.deepcopy(model))
    with torch.autocast("cpu", torch.bfloat16):
        expected, found = small(X), model(X)

    assert torch.bfloat16 == found.dtype
    torch.testing.assert_close(expected, found)


def test_weight_decay_shrinks_inactive_units_too():
    """
    An inactive unit has a gradient of zero, which decay is added to.
    """
    model, _ = supernet()
    before = model[0]._parameters["weight"].detach().clone()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.5)
    optimizer.step(closure_of(model, optimizer))

    torch.testing.assert_close(before[6:] * 0.95, model[0]._parameters["weight"][6:].detach())
