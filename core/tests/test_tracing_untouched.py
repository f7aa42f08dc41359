"""What a run on fakes leaves as it was: everything that a model holds, reaches or switches."""

import collections
import contextlib
import functools
import random
import types
import typing

import pytest
import torch
from torch import nn

from espalier.errors import TraceError
from espalier.tracing import replay, trace


X = torch.ones(2, 4)
SEEN = []


class Cache:
    """Holds what it is given, as caches of keys and values do."""

    def __init__(self):
        self.items = []
        self.by_name = {}
        self.last = None

    def add(self, x):
        self.items.append(x)
        self.by_name["x"] = x
        self.last = x


class Slotted:
    __slots__ = ("last",)

    def __init__(self):
        self.last = 1


class Counting(dict):
    """A dict that does not give what it holds."""

    def __getitem__(self, key):
        raise AssertionError("nobody may ask")

    def items(self):
        raise AssertionError("nobody may ask")


@functools.lru_cache
def positions(size):
    return torch.arange(size)


class Calls(nn.Module):
    shared: typing.ClassVar = {}

    def __init__(self, body, **held):
        super().__init__()
        self.body = body
        self.fc = nn.Linear(4, 4)
        for name, value in held.items():
            setattr(self, name, value)

    def forward(self, x):
        x = self.fc(x)
        self.body(self, x)
        return x


def test_objects_that_modules_hold_are_put_back():
    """
    A cache object with a list, a dict and an attribute of its own; also one that holds another.
    """
    inner, slotted = Cache(), Slotted()
    outer = types.SimpleNamespace(inner=[inner], slotted=(slotted,))

    def body(model, x):
        outer.inner[0].add(x)
        slotted.last = x
        outer.new = x

    trace(Calls(body, held=outer), X)

    assert [] == inner.items
    assert {} == inner.by_name
    assert inner.last is None
    assert 1 == slotted.last
    assert {"inner", "slotted"} == set(vars(outer))


def test_objects_that_hold_each_other_are_walked_once():
    """
    A cycle ends, and everything on it is put back.
    """
    a, b = Cache(), Cache()
    a.other, b.other = b, a
    trace(Calls(lambda m, x: (a.add(x), b.add(x)), held=a), X)

    assert a.last is b.last is None


def test_containers_with_methods_of_their_own_are_put_back_without_them():
    """
    What a subclass does on access is none of ours; order counts.
    """
    held = Counting(a=1)
    ordered = collections.OrderedDict(a=1, b=2)

    def body(model, x):
        held["b"] = x
        ordered.move_to_end("a")

    trace(Calls(body, held=held, ordered=ordered), X)

    assert ["a"] == list(held)
    assert ["a", "b"] == list(ordered)


def test_hooks_run_and_what_they_store_is_put_back():
    """
    A hook may change what the model computes, so it runs; what it recorded would be fakes.
    """
    closed_over, calls = [], []
    model = Calls(lambda m, x: None)

    def store(module, args, output):
        closed_over.append(output)
        SEEN.append(output)
        module.activation = output
        return output.exp()

    def count(module, args):
        nonlocal calls
        calls = [*calls, module]

    handles = model.fc.register_forward_hook(store), model.register_forward_pre_hook(count)
    hooks = [list(model.fc._forward_hooks.items()), list(model._forward_pre_hooks.items())]
    found = trace(model, X)

    assert "aten::exp" in {record.op for record in found.records}
    assert [] == closed_over == SEEN == calls
    assert not hasattr(model.fc, "activation")
    assert hooks == [list(model.fc._forward_hooks.items()), list(model._forward_pre_hooks.items())]
    assert all(handle.id is not None for handle in handles)


def test_hooks_that_forward_registers_are_gone():
    """
    The model has as many as before.
    """
    model = Calls(lambda m, x: m.fc.register_forward_hook(lambda *_: None))
    trace(model, X)

    assert 0 == len(model.fc._forward_hooks)


def test_caches_of_functions_and_classes_hold_no_fakes():
    """
    A real run afterwards must not find what was computed without data.
    """

    class Caching(Calls):
        def forward(self, x):
            self.shared["x"] = x
            return self.fc(x) + positions(4)

    trace(Caching(None), X)

    assert {} == Calls.shared
    assert torch.equal(torch.arange(4), positions(4))
    assert "FakeTensor" != type(positions(4)).__name__


def test_generators_of_random_numbers_that_modules_hold_are_put_back():
    """
    Torch's and Python's.
    """
    theirs, own = torch.Generator().manual_seed(1), random.Random(1)
    before = theirs.get_state(), own.getstate()

    def body(model, x):
        own.random()
        if x.sum().item() != 0:  # so that it runs with data, which draws
            torch.rand(2, generator=theirs)

    trace(Calls(body, theirs=theirs, own=own), X)

    assert torch.equal(before[0], theirs.get_state())
    assert before[1] == own.getstate()


def test_what_forward_switches_is_switched_back():
    """
    The default dtype and device, and the gradient mode.
    """

    def body(model, x):
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        torch.set_grad_enabled(True)

    trace(Calls(body), X)

    assert torch.float32 == torch.get_default_dtype()
    assert "cpu" == torch.get_default_device().type
    assert torch.is_grad_enabled()


def test_gradients_flow_afterwards_as_before():
    """
    Through a graph that was made before, to gradients that were there before.
    """
    model = Calls(lambda m, x: None)
    model.fc.weight.grad = torch.ones(4, 4)
    loss = model(X).sum()
    trace(model, X)
    loss.backward()

    assert torch.equal(torch.full((4, 4), 3.0), model.fc.weight.grad)
    assert model.fc.bias.requires_grad


@pytest.mark.parametrize(
    "around",
    [
        torch.inference_mode,
        torch.no_grad,
        torch.enable_grad,
        lambda: torch.autocast("cpu", dtype=torch.bfloat16),
        lambda: torch.device("meta"),
    ],
)
def test_what_is_switched_on_around_makes_no_difference(around):
    """
    A model that is analysed under autocast or in inference mode is checked outside of it later.
    """
    model = Calls(lambda m, x: x + torch.zeros(4))
    plain = [record.op for record in trace(model, X).records]
    with around():
        found = trace(model, X)

    assert plain == [record.op for record in found.records]


def test_a_buffer_that_forward_makes_again_is_a_cache():
    """
    It is put back, and the model is analysed.
    """

    def body(model, x):
        model.register_buffer("cache", x.sum(0))
        model.cos = torch.ones(4)

    model = Calls(body)
    model.register_buffer("cos", torch.zeros(4))
    cos = model.cos
    trace(model, X)

    assert ["cos"] == [name for name, _ in model.named_buffers()]
    assert cos is model.cos


def replaces(model, x):
    model.fc = nn.Linear(4, 4)


def removes(model, x):
    del model.fc


def adds(model, x):
    if not hasattr(model, "late"):
        model.late = nn.Linear(4, 4)


def assigns(model, x):
    model.fc.weight = nn.Parameter(model.fc.weight * 2)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (replaces, "the model itself replaced its module 'fc'"),
        (removes, "the model itself removed its module 'fc'"),
        (adds, "the model itself added its module 'late'.*call the model once before"),
        (assigns, "module 'fc' replaced its parameter 'weight'"),
    ],
)
def test_a_forward_that_changes_its_own_modules_is_an_error(body, message):
    """
    It names the module and says what to do; the model is as before.
    """
    model = Calls(body)
    fc, weight = model.fc, model.fc.weight
    with pytest.raises(TraceError, match=message):
        trace(model, X)

    assert fc is model.fc
    assert weight is model.fc.weight
    assert not hasattr(model, "late")


def casts(model, x):
    model.fc.to(torch.float32)
    model.fc.bfloat16()
    assert torch.bfloat16 == model.fc.weight.dtype == model.held.weight.dtype
    model.fc.half().float().double()


@pytest.mark.parametrize("after", [lambda model, x: None, removes], ids=["returns", "raises"])
def test_a_forward_may_cast_its_own_modules(after):
    """
    It sees the parameters as it casts them, also shared ones; the real ones are not touched.
    """

    def body(model, x):
        casts(model, x)
        after(model, x)

    model = Calls(body, held=nn.Linear(4, 4))
    model.held.weight = model.fc.weight
    before, swap = list(model.parameters()), torch.utils.swap_tensors
    with contextlib.nullcontext() if after is not removes else pytest.raises(TraceError):
        trace(model, X)

    assert list(map(id, before)) == list(map(id, model.parameters()))
    assert {torch.float32} == {parameter.dtype for parameter in model.parameters()}
    assert swap is torch.utils.swap_tensors


def test_a_cast_alone_uses_no_weight():
    """
    Only what is computed with afterwards is searched for.
    """
    found = trace(Calls(lambda m, x: m.held.double(), held=nn.Linear(4, 6)), X)
    reasons = {reason.text for reason in found.tensors["held.weight"].axes[0].reasons}

    assert {"not used with these inputs"} == reasons


def test_a_module_that_was_cast_since_runs_as_the_trace_says():
    """
    The first call casts the real one, so that the next has nothing to cast.
    """
    torch.manual_seed(0)
    model = Calls(lambda m, x: m.held.double()(x.double()), held=nn.Linear(4, 6))
    found = trace(model, X)
    model(X)

    assert torch.float64 == model.held.weight.dtype
    replay(model, X, found, lambda axis: axis.size, {})


def test_modules_without_tensors_may_come_and_go():
    """
    An activation that is made on the way holds nothing that could be pruned.
    """
    model = Calls(lambda m, x: setattr(m, "act", nn.ReLU()))

    assert trace(model, X).records
    assert not hasattr(model, "act")
