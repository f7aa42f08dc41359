"""Tracing: what a run on fakes leaves as it was, and how the axes of a whole model relate."""

import collections
import copy
import random
import types

import numpy as np
import pytest
import torch
from torch import nn

from espalier.axes import atoms
from espalier.errors import InputsError, TraceError
from espalier.tracing import trace


class Net(nn.Module):
    """Has one of everything that a run could change."""

    def __init__(self, *, fails=False):
        super().__init__()
        self.fails = fails
        self.conv = nn.Conv2d(3, 8, 3)
        self.norm = nn.BatchNorm2d(8)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(8, 2)
        self.seen = []
        self.cache = {"old": [1]}
        self.recent = collections.deque([1], maxlen=2)
        self.register_buffer("calls", torch.zeros(()))
        self.norm.eval()

    def forward(self, x):
        self.seen.append(x)
        self.cache["old"].append(x)
        self.cache["new"] = x
        self.recent.append(x)
        self.last = x
        self.calls += 1
        random.random()
        np.random.rand()  # noqa: NPY002 - what models do
        torch.rand(1)
        torch.set_grad_enabled(True)
        x = self.drop(self.norm(self.conv(x))).mean((2, 3))
        self.conv.extra = x
        if self.fails:
            raise KeyError("broken")
        return self.head(x)


def axes_of(found, name):
    return found.tensors[name].axes


def is_same(*axes):
    return len({id(axis.root) for axis in axes}) == 1


def texts(axis):
    return {why.text for atom in atoms(axis) for why in atom.reasons}


def picture(model):
    """Return everything of *model* that a run could change, in a form that compares."""
    return {
        name: (
            type(module),
            {k: copy.deepcopy(v) for k, v in vars(module).items() if k[0] != "_"},
            {k: list(v) for k, v in vars(module).items() if k.endswith("_hooks")},
            {k: (id(v), v.tolist(), v._version) for k, v in module._parameters.items()},
            {k: (id(v), v.tolist(), v._version) for k, v in module._buffers.items()},
        )
        for name, module in model.named_modules()
    }


@pytest.mark.parametrize("fails", [False, True])
def test_a_model_is_bit_for_bit_what_it_was(fails):
    """
    Tensors, flags, hooks, attributes, lists and dicts, random states and the gradient mode: also
    where ``forward`` sets some of them, and also where it raises.
    """
    model = Net(fails=fails)
    model.conv.register_forward_hook(lambda *_: None)
    model.conv.weight.grad = torch.ones_like(model.conv.weight)
    before = picture(model)
    states = random.getstate(), torch.get_rng_state(), np.random.get_state()  # noqa: NPY002
    if fails:
        with pytest.raises(TraceError, match="KeyError"):
            trace(model, torch.ones(1, 3, 8, 8))
    else:
        trace(model, torch.ones(1, 3, 8, 8))

    assert before == picture(model)
    assert model.training
    assert not model.norm.training
    assert torch.is_grad_enabled()
    assert torch.backends.mha.get_fastpath_enabled()
    assert states[0] == random.getstate()
    assert torch.equal(states[1], torch.get_rng_state())
    assert np.array_equal(states[2][1], np.random.get_state()[1])  # noqa: NPY002
    assert type(model.conv.weight) is nn.Parameter
    assert bool((model.conv.weight.grad == 1).all())


def test_a_model_without_data_is_traced_alike():
    """
    On the ``meta`` device nothing is allocated, and the axes are the same.
    """
    with torch.device("meta"):
        model = Net()
    found, real = (trace(m, torch.ones(1, 3, 8, 8)) for m in (model, Net()))

    assert {t.device.type for t in model.state_dict().values()} == {"meta"}
    assert list(map(str, real.tensors)) == list(map(str, found.tensors))
    for name in real.tensors:
        assert list(map(repr, axes_of(real, name))) == list(map(repr, axes_of(found, name)))


def test_evaluation_mode_is_used_whatever_the_flags_say():
    """
    Statistics of the batch are not taken, so a batch of one works.
    """
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)).train()

    assert not trace(model, torch.ones(1, 3)).unknown


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(10, 4)
        self.head = nn.Linear(4, 10, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, index):
        return self.head(self.embed(index))


def test_a_shared_tensor_has_one_set_of_axes():
    """
    Under each of its names.
    """
    found = trace(Tied(), torch.zeros(1, 2, dtype=torch.int64))

    assert is_same(axes_of(found, "embed.weight")[1], axes_of(found, "head.weight")[1])
    assert not axes_of(found, "head.weight")[1].is_pinned


def test_tensors_that_share_memory_without_being_one_are_pinned():
    """
    Shrinking or sorting one in place would change the other; the reason names both.
    """
    model = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False))
    model[1].weight = nn.Parameter(model[0].weight.data)
    found = trace(model, torch.ones(1, 4))

    for name in ("0.weight", "1.weight"):
        for axis in axes_of(found, name):
            assert "one memory holds 0.weight, 1.weight" in texts(axis)


class Past(nn.Module):
    """Reads its weight through something that is no module."""

    def __init__(self, *, as_list):
        super().__init__()
        self.inner = nn.Linear(4, 4, bias=False)
        self.outer = nn.Linear(4, 6, bias=False)
        self.held = [self.inner.weight] if as_list else types.SimpleNamespace(w=self.inner.weight)

    def forward(self, x):
        weight = self.held[0] if isinstance(self.held, list) else self.held.w
        return self.outer(x) @ torch.ones(6, 4) @ self.inner(weight[:2]).t()


@pytest.mark.parametrize("as_list", [True, False])
def test_a_weight_that_is_read_past_its_module_is_pinned(as_list):
    """
    What holds it will not hear of another size.
    """
    found = trace(Past(as_list=as_list), torch.ones(2, 4))

    assert all("read past its module" in texts(axis) for axis in axes_of(found, "inner.weight"))


def test_recurrent_layers_hold_their_weights():
    """
    They keep a flat list of them, which stays what it is.
    """
    found = trace(nn.LSTM(4, 6, batch_first=True), torch.ones(1, 3, 4))

    assert all(axis.is_pinned for tensor in found.tensors.values() for axis in tensor.axes)


class Calls(nn.Module):
    def __init__(self, function, **modules):
        super().__init__()
        self.function = function
        for name, module in modules.items():
            setattr(self, name, module)

    def forward(self, *args, **kwargs):
        return self.function(self, *args, **kwargs)


X = torch.ones(2, 4)


@pytest.mark.parametrize(
    ("inputs", "take"),
    [
        (X, lambda m, x: m.fc(x)),
        ((X,), lambda m, x: m.fc(x)),
        ({"x": X}, lambda m, x: m.fc(x)),
        (({"a": [X, 3]},), lambda m, x: m.fc(x["a"][0])),
        ((X, None), lambda m, x, flag: m.fc(x)),
        ({"x": (X, {"y": "text"})}, lambda m, x: m.fc(x[0])),
    ],
)
def test_inputs_may_be_given_in_every_way_and_are_pinned_wherever_they_are(inputs, take):
    """
    A tensor, a tuple, a dict of keywords; nested, and with what is no tensor.
    """
    found = trace(Calls(take, fc=nn.Linear(4, 6)), inputs)

    assert "model input" in texts(axes_of(found, "fc.weight")[1])
    assert "model output" in texts(axes_of(found, "fc.weight")[0])


class Plain:
    def __init__(self, value):
        self.value = value


class Slotted:
    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value


@pytest.mark.parametrize(
    "wrap",
    [
        lambda t: t,
        lambda t: (None, [t]),
        lambda t: {"out": t},
        lambda t: collections.OrderedDict(out=t),
        lambda t: collections.UserDict(out=t),
        lambda t: collections.namedtuple("Out", "a b")(1, t),  # noqa: PYI024
        lambda t: types.SimpleNamespace(out=[t]),
        lambda t: Plain(Plain({"deep": t})),
        Slotted,
        lambda t: {"set": frozenset([t])},
        lambda t: torch.distributions.Normal(t, 1.0, validate_args=False),
    ],
)
def test_outputs_are_pinned_wherever_they_are(wrap):
    """
    Also in objects of the user's own classes: what the caller gets keeps its shape.
    """
    found = trace(Calls(lambda m, x: wrap(m.fc(x)), fc=nn.Linear(4, 6)), X)

    assert "model output" in texts(axes_of(found, "fc.weight")[0])


def test_outputs_that_hold_each_other_are_searched_once():
    """
    A cycle of objects ends.
    """

    def loop(model, x):
        a, b = Plain(model.fc(x)), Plain(None)
        a.other, b.value = b, a
        return b

    found = trace(Calls(loop, fc=nn.Linear(4, 6)), X)

    assert "model output" in texts(axes_of(found, "fc.weight")[0])


def test_a_module_that_is_called_twice_couples_what_it_is_called_with():
    """
    One weight reads both, so both have its units.
    """
    found = trace(
        Calls(
            lambda m, x: m.out(m.twice(m.a(x)) + m.twice(m.b(x))),
            a=nn.Linear(4, 6),
            b=nn.Linear(4, 6),
            twice=nn.Linear(6, 5),
            out=nn.Linear(5, 1),
        ),
        X,
    )

    assert is_same(*(axes_of(found, name)[at] for name, at in (("a.weight", 0), ("b.weight", 0))))
    assert is_same(axes_of(found, "a.weight")[0], axes_of(found, "twice.weight")[1])
    assert not axes_of(found, "twice.weight")[1].is_pinned


@pytest.mark.parametrize("make", [lambda: torch.ones(6), lambda: torch.tensor([1.0] * 6)])
def test_what_meets_a_constant_is_pinned(make):
    """
    A tensor that is no parameter, buffer or input has values of its own at each position.
    """
    constant = make()
    found = trace(
        Calls(lambda m, x: m.b(m.a(x) * constant), a=nn.Linear(4, 6), b=nn.Linear(6, 1)), X
    )

    assert "constant tensor" in texts(axes_of(found, "a.weight")[0])


def test_weights_that_are_not_used_are_pinned():
    """
    Nothing is known of what other inputs do with them.
    """
    found = trace(Calls(lambda m, x: m.a(x), a=nn.Linear(4, 6), b=nn.Linear(6, 1)), X)

    assert {"not used with these inputs"} == texts(axes_of(found, "b.weight")[0])
    assert found.tensors["b.weight"].first_use is None


@pytest.mark.parametrize("inputs", [(X, X), {"y": X}, ()])
def test_inputs_that_forward_does_not_take_are_an_error_of_the_caller(inputs):
    """
    The message shows the signature, the ways to give inputs, and what came.
    """
    with pytest.raises(InputsError, match=r"Linear\.forward\(input.*got [({]"):
        trace(nn.Linear(4, 6), inputs)


def test_a_forward_that_raises_is_an_error_with_its_place():
    """
    The module, the line and the shapes that it was given.
    """
    model = Calls(lambda m, x: m.b(m.a(x)), a=nn.Linear(4, 6), b=nn.Linear(5, 1))
    with pytest.raises(
        TraceError, match=r"RuntimeError in module 'b' \(.*test_tracing\.py:\d+.*Tensor\(2, 4\)"
    ):
        trace(model, X)
