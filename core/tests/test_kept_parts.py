"""Reading active parts without looking for them each time never gives what was there before."""

import copy
import pickle
import threading

import pytest
import torch
from torch import nn

import espalier
from espalier.spaces.sorting import permute
from espalier.spaces.supernet import supernet_of


def network():
    """Return a network with convolutions, normalisations and a classifier, in eval mode."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 12, 3, padding=1),
        nn.BatchNorm2d(12),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(12, 5),
    ).eval()


X = torch.randn(2, 3, 6, 6, generator=torch.Generator().manual_seed(1))
FINE = {"nn.Conv2d": {"channel_divisor": 1}}


def small(*, ordered=False):
    """Return a converted network at half its sizes, with units in another order if *ordered*."""
    model = espalier.convert(network(), inputs=X, config=FINE)
    space = espalier.space(model)
    if ordered:
        for hparam in space.values():
            hparam.enforce_order(torch.arange(hparam.units - 1, -1, -1))
    space.select({name: hparam.units // 2 for name, hparam in space.items()})
    return model


def exported(model):
    """Return what a copy of *model* computes once it is exported."""
    plain = espalier.export(copy.deepcopy(model))
    with torch.no_grad():
        return plain(X)


def step(optimizer):
    def run(model):
        made = optimizer(model)
        model(X).square().sum().backward()
        with torch.no_grad():
            model(X)  # what is copied here is older than the step
        made.step()

    return run


def average(model):
    for parameter in model.parameters():
        parameter.data.mul_(0.5).add_(0.1)


def load(model, **how):
    state = {
        name: tensor * 0.5 if tensor.is_floating_point() else tensor
        for name, tensor in model.state_dict().items()
    }
    model.load_state_dict(state, **how)


def load_inference(model):
    with torch.inference_mode():
        load(model)


def reorder(model):
    orders = {n: torch.arange(h.units).roll(1) for n, h in espalier.space(model).items()}
    permute(model, supernet_of(model), orders)


def select(model):
    space = espalier.space(model)
    space.select({name: hparam.units // 2 + 1 for name, hparam in space.items()})


def initialise(model):
    for layer in model:
        if isinstance(layer, nn.Conv2d):
            nn.init.constant_(layer.weight, 0.3)


def write_data_through_layer(model):
    model[0].weight.data.mul_(3)


def replace(model):
    model[3].weight = nn.Parameter(torch.ones(12, 8, 3, 3))


def replace_data(model):
    # Held since before: nobody is asked for them.
    for parameter in HELD[model]:
        parameter.data = parameter.data * 0.5


def write_in_place(model):
    with torch.no_grad():
        for parameter in HELD[model]:
            parameter.mul_(0.5)


def write_in_inference(model):
    with torch.inference_mode():
        for parameter in HELD[model]:
            parameter.mul_(0.5)


def swap_data(model):
    weight, bias = model[1]._parameters["weight"], model[1]._parameters["bias"]
    weight.data, bias.data = bias.data, weight.data


def train_statistics(model):
    model.train()
    with torch.no_grad():
        model(X)
    model.eval()


HELD = {}
CHANGES = {
    "sgd": step(lambda m: torch.optim.SGD(m.parameters(), lr=0.1)),
    "adamw, foreach": step(lambda m: torch.optim.AdamW(m.parameters(), lr=0.1, foreach=True)),
    "adamw, fused": step(lambda m: torch.optim.AdamW(m.parameters(), lr=0.1, fused=True)),
    "average through data": average,
    "load": load,
    "load, assigned": lambda m: load(m, assign=True),
    "load in inference mode": load_inference,
    "permute": reorder,
    "select": select,
    "initialise": initialise,
    "data of a layer": write_data_through_layer,
    "replace": replace,
    "replace data": replace_data,
    "in place": write_in_place,
    "in place in inference mode": write_in_inference,
    "swap data": swap_data,
    "train": train_statistics,
    "cast": lambda m: m.to(torch.float64).to(torch.float32),
    "buffer": lambda m: m[1].running_mean.add_(1),
}


#: These write to what reading gives, which is a copy where units have another order.
THROUGH_LAYER = {"initialise", "data of a layer", "buffer"}
CASES = [(change, False) for change in CHANGES]
CASES += [(change, True) for change in CHANGES if change not in THROUGH_LAYER]


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize(("change", "ordered"), CASES)
def test_a_change_is_seen(change, mode, ordered):
    """
    Whatever changes a network between two forward passes, the next one computes with it.
    """
    model = small(ordered=ordered)
    HELD.clear()
    HELD[model] = list(model.parameters())
    with mode():
        before = model(X)
        model(X)
    CHANGES[change](model)
    with mode():
        after = model(X)

    torch.testing.assert_close(exported(model), after)
    if change != "cast":
        assert not torch.equal(before, after)


def test_what_is_read_in_forward_is_the_same_object_each_time():
    """
    The tests above would pass with nothing kept; something is.
    """
    seen = []
    model = small()
    forward = model[0]._conv_forward
    model[0]._conv_forward = lambda x, weight, bias: (
        seen.append(weight) or forward(x, weight, bias)
    )
    with torch.no_grad():
        model(X)
        model(X)

    assert seen[0] is seen[1]
    assert seen[0].is_contiguous()
    assert "weight" not in vars(model[0])


def test_gradients_reach_the_whole_after_an_evaluation():
    """
    What was kept without gradients does not stand in their way.
    """
    model = small()
    with torch.no_grad():
        model(X)
    model(X).sum().backward()

    assert all(parameter.grad is not None for parameter in model.parameters())
    assert 0 == model[0]._parameters["weight"].grad[4:].abs().sum()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_of_a_network_keep_nothing_of_it(copied):
    """
    A copy reads its own tensors.
    """
    model = small()
    with torch.no_grad():
        before = model(X)
        other = copied(model)
        for parameter in other.parameters():
            parameter.mul_(0.5)
        after = other(X)

    assert not torch.equal(before, after)
    torch.testing.assert_close(exported(other), after)
    torch.testing.assert_close(exported(model), before)


def test_threads_may_share_a_network():
    """
    Forward passes in several threads compute what one does.
    """
    model = small()
    expected = exported(model)
    wrong = []

    def run():
        with torch.no_grad():
            right = [torch.allclose(expected, model(X), atol=1e-6) for _ in range(30)]
        wrong.append(right.count(False))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [0] * 4 == wrong


class Scaled(nn.Module):
    """Multiplies by a parameter, and wants its gradient in the middle of an evaluation."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 8)
        self.scale = nn.Parameter(torch.ones(8))
        self.last = nn.Linear(8, 2)

    def forward(self, x):
        hidden = self.first(x).detach()
        with torch.enable_grad():
            loss = (hidden * self.scale).square().sum()
            (slope,) = torch.autograd.grad(loss, self.scale)
        return self.last(hidden * slope)


def test_a_forward_may_ask_for_gradients_of_its_own():
    """
    ``torch.enable_grad`` inside of ``forward`` works on the active part.
    """
    torch.manual_seed(0)
    x = torch.randn(3, 4)
    model = espalier.convert(
        Scaled().eval(), inputs=x, config={"nn.Linear": {"feature_divisor": 1}}
    )
    space = espalier.space(model)
    space.select(space.min())
    with torch.no_grad():
        found = [model(x) for _ in range(2)]
        plain = espalier.export(copy.deepcopy(model))(x)

    torch.testing.assert_close(plain, found[0])
    torch.testing.assert_close(plain, found[1])
