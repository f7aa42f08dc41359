"""Models with unusual parameters, wrappers or control flow go through all that others do."""

import random
import typing

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune

import espalier
from espalier.errors import StateError, TraceError


FINE = {"nn.Linear": {"feature_divisor": 1}}
# Torch's words on the older ways to normalise weights, to quantise and to compile.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated"),
    pytest.mark.filterwarnings("ignore:.*torch.jit.script_method:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:torch.ao.quantization is deprecated"),
    pytest.mark.filterwarnings("ignore:.*is deprecated and will be removed:UserWarning"),
    pytest.mark.filterwarnings("ignore:Sparse"),
]


def stack():
    return nn.Sequential(
        nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 12), nn.ReLU(), nn.Linear(12, 4)
    )


def with_second(change):
    def make():
        model = stack()
        change(model[2])
        return model

    return make


class Calls(nn.Module):
    def __init__(self, body, **held):
        super().__init__()
        self.body = body
        for name, value in held.items():
            setattr(self, name, value)

    def forward(self, x):
        return self.body(self, x)


class Twice(nn.Module):
    def forward(self, weight):
        return weight * 2


class Hinted(nn.Module):
    """A root with a weight of its own, and a framework that reads the hints of its class."""

    scale: float = 0.5

    def __init__(self):
        super().__init__()
        self.a, self.w = nn.Linear(8, 16), nn.Parameter(torch.randn(16, 4))

    def forward(self, x):
        return self.a(x) @ self.w * typing.get_type_hints(type(self))["scale"](0.5)


def cast(*names, to):
    """Cast layers of a stack in each forward: the first call changes their weights for good."""

    def body(model, x):
        model.get_submodule(names[0]).to(to)
        for name in names[1:]:
            model.get_submodule(name).to(to)
        return model.net(x.to(to)).float()

    return lambda: Calls(body, net=stack())


def tied_and_cast():
    def body(model, x):
        model.a.double()
        return nn.functional.linear(model.a(x.double()), model.b.weight.t()).float()

    made = Calls(body, a=nn.Linear(8, 16, bias=False), b=nn.Linear(8, 16, bias=False))
    made.b.weight = made.a.weight
    return made


def unregistered():
    """A layer, a normalisation and a dropout that are in a list, so that nobody knows of them."""

    def body(model, x):
        x = model.net(x)
        for layer in model.kept:
            x = layer(x)
        return model.last(x)

    kept = [nn.Linear(4, 6).eval(), nn.BatchNorm1d(6).eval(), nn.Dropout().eval()]
    return Calls(
        body, net=stack(), kept=kept, last=nn.Sequential(nn.Linear(6, 16), nn.Linear(16, 4))
    )


def experts():
    """Route each row to one of two experts, as its values say."""

    def body(model, x):
        gates = model.gate(x).softmax(-1)
        out = torch.zeros(len(x), 4)
        for number in range(2):
            (rows,) = torch.where(gates.argmax(-1) == number)
            if rows.numel():
                hidden = model.down[number](model.up[number](x[rows]).relu())
                out.index_add_(0, rows, hidden * gates[rows, number, None])
        return out

    return Calls(
        body,
        gate=nn.Linear(8, 2),
        up=nn.ModuleList(nn.Linear(8, 16) for _ in range(2)),
        down=nn.ModuleList(nn.Linear(16, 4) for _ in range(2)),
    )


def halves(held):
    """Use *held*, of shape (16, 12), between two layers."""
    return Calls(
        lambda m, x: m.b(m.a(x) @ m.held.to(torch.float32)),
        a=nn.Linear(8, 16),
        held=held,
        b=nn.Linear(12, 4),
    )


MODELS = {
    "frozen": with_second(lambda layer: layer.weight.requires_grad_(False)),
    "weight norm by hook": with_second(nn.utils.weight_norm),
    "weight norm": with_second(parametrizations.weight_norm),
    "spectral norm by hook": with_second(nn.utils.spectral_norm),
    "spectral norm": with_second(parametrizations.spectral_norm),
    "parametrised": with_second(
        lambda layer: parametrize.register_parametrization(layer, "weight", Twice())
    ),
    "masked": with_second(lambda layer: prune.l1_unstructured(layer, "weight", 0.3)),
    "parameter list": lambda: Calls(
        lambda m, x: (x @ m.list[0]).relu() @ m.dict["w"],
        list=nn.ParameterList([torch.randn(8, 16)]),
        dict=nn.ParameterDict({"w": torch.randn(16, 4)}),
    ),
    "parameter without axes": lambda: Calls(
        lambda m, x: m.b(m.a(x) * m.scale),
        a=nn.Linear(8, 16),
        b=nn.Linear(16, 4),
        scale=nn.Parameter(torch.tensor(2.0)),
    ),
    "complex": lambda: Calls(
        lambda m, x: torch.view_as_real(m.a(x).to(torch.complex64) @ m.w).flatten(1),
        a=nn.Linear(8, 16),
        w=nn.Parameter(torch.randn(16, 4, dtype=torch.complex64)),
    ),
    "eight bits": lambda: halves(
        nn.Parameter(torch.randn(16, 12).to(torch.float8_e4m3fn), requires_grad=False)
    ),
    "no parameters": lambda: nn.Sequential(nn.ReLU(), nn.Flatten()),
    "graph module": lambda: torch.fx.symbolic_trace(stack()),
    "experts": experts,
    "masked rows": lambda: Calls(
        lambda m, x: m.b(m.a(x)[x[:, 0] > 0]).mean(0), a=nn.Linear(8, 16), b=nn.Linear(16, 4)
    ),
    "root whose hints are read": Hinted,
    "cast to what it is": cast("net", to=torch.float32),
    "cast": cast("net", to=torch.float64),
    "cast and cast again": cast("net.0", "net.2", "net", to=torch.float64),
    "tied and cast": tied_and_cast,
    "layers in a list": unregistered,
    "compiled": lambda: torch.compile(stack()),
    "data parallel": lambda: nn.DataParallel(stack()),
    "compiled layer": with_second(lambda layer: layer.compile()),
}
#: Those that can't be saved.
MORE = {
    "sparse": lambda: Calls(
        lambda m, x: torch.sparse.mm(m.w, m.a(x).t()).t(),
        a=nn.Linear(8, 16),
        w=nn.Parameter(torch.randn(4, 16).relu().to_sparse()),
    ),
    "compressed rows": lambda: Calls(
        lambda m, x: (m.w @ m.a(x).t()).t(),
        a=nn.Linear(8, 16),
        w=nn.Parameter(torch.randn(4, 16).relu().to_sparse_csr()),
    ),
}
X = torch.randn(5, 8, generator=torch.Generator().manual_seed(0))


def made(make):
    torch.manual_seed(0)
    return make().eval()


def narrowed(model):
    rng = random.Random(0)
    space = espalier.space(model)
    space.select({name: rng.choice(space[name].choices) for name in space})
    return model


@pytest.mark.parametrize("make", (MODELS | MORE).values(), ids=MODELS | MORE)
@torch.no_grad()
def test_it_computes_the_same_when_converted_and_when_exported(make):
    """
    As the whole model, and as a random subnet of it.
    """
    model = made(make)
    expected = made(make)(X)
    found = espalier.convert(model, inputs=X, config=FINE)
    torch.testing.assert_close(found(X), expected)
    smaller = narrowed(found)(X)

    torch.testing.assert_close(espalier.export(found)(X), smaller)


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
@torch.no_grad()
def test_it_comes_back_from_a_file(make, tmp_path):
    """
    Converted, at the configuration that it had: what it read of its inputs is in the file.
    """
    found = narrowed(espalier.convert(made(make), inputs=X, config=FINE))
    espalier.save(found, tmp_path / "model")
    restored = espalier.restore(made(make), tmp_path / "model")

    assert espalier.space(found).config() == espalier.space(restored).config()
    torch.testing.assert_close(restored(X), found(X))


@pytest.mark.parametrize("make", MORE.values(), ids=MORE)
def test_sparse_weights_are_not_saved(make, tmp_path):
    """
    The message names the tensor.
    """
    found = espalier.convert(made(make), inputs=X, config=FINE)
    with pytest.raises(StateError, match="w: only dense tensors can be saved"):
        espalier.save(found, tmp_path / "model")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_precision_makes_no_difference_to_what_can_change(dtype):
    """
    The same hparams, at each precision of the weights.
    """
    names = [
        list(espalier.space(espalier.convert(stack().to(d), inputs=X.to(d), config=FINE)))
        for d in (dtype, torch.float32)
    ]

    assert names[1] == names[0]
    assert 2 == len(names[0])


@pytest.mark.parametrize("name", ["compiled", "data parallel"])
def test_a_wrapper_gives_the_module_inside(name):
    """
    All functions take it; what is returned is the module that was wrapped, changed in place.
    """
    wrapper = made(MODELS[name])
    inner = wrapper.module if name == "data parallel" else wrapper._orig_mod
    plain = made(stack)

    assert espalier.profile(plain, X).flops == espalier.profile(wrapper, X).flops
    assert espalier.explain(plain, X).to_dict() == espalier.explain(wrapper, X).to_dict()
    assert inner is espalier.convert(wrapper, inputs=X, config=FINE)
    assert 2 == len(espalier.space(wrapper))
    espalier.search(wrapper, constraints={"flops": "50%"}, score=lambda m: 0.0)
    assert inner is espalier.export(wrapper)
    assert inner[0].out_features < 16


def test_what_was_compiled_runs_as_written_once_it_is_converted():
    """
    A refused conversion leaves it compiled.
    """
    model = made(MODELS["compiled layer"])
    compiled = model[2]._compiled_call_impl
    with pytest.raises(TraceError):
        espalier.convert(model, inputs=torch.ones(5, 9))
    assert compiled is model[2]._compiled_call_impl
    espalier.convert(model, inputs=X)

    assert model[2]._compiled_call_impl is None
