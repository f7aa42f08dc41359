"""Models that are wrapped or compiled, and code that compiles, transforms or differentiates."""

import warnings

import pytest
import torch
from structlog.testing import capture_logs
from torch import nn
from torch.utils.checkpoint import checkpoint

from espalier.errors import TraceError
from espalier.tracing import trace
from espalier.wrappers import unwrapped, without_compiled_calls


# What torch says of itself when it compiles, and of a checkpoint without gradients.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*torch.jit.script_method:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad"),
]

X = torch.ones(3, 4)


class Calls(nn.Module):
    """Runs *body* between two layers whose width may change."""

    def __init__(self, body):
        super().__init__()
        self.body = body
        self.a = nn.Linear(4, 6)
        self.b = nn.Linear(6, 2)

    def forward(self, x):
        return self.b(self.body(self.a(x)))


def width_is_free(model):
    (width, _) = trace(model, X).tensors["a.weight"].axes
    return width.size == 6 and not width.is_pinned


@pytest.mark.parametrize(
    "wrap",
    [
        torch.compile,
        nn.DataParallel,
        lambda model: nn.DataParallel(torch.compile(model)),
        lambda model: torch.compile(nn.DataParallel(model)),
    ],
)
def test_a_wrapper_is_taken_off_with_a_note(wrap):
    """
    Also one around another; the log names each.
    """
    model = Calls(torch.relu)
    wrapper = wrap(model)
    with capture_logs() as logs:
        found = unwrapped(wrapper)

    assert found is model
    assert {"model_unwrapped"} == {event["event"] for event in logs}
    assert type(wrapper).__name__ == logs[0]["wrapper"]
    assert "Calls" == logs[-1]["model"]


def test_distributed_data_parallel_is_taken_off(tmp_path):
    """
    In a group of one process.
    """
    if not torch.distributed.is_available():
        pytest.skip("this torch has no torch.distributed")
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1
    )
    try:
        model = Calls(torch.relu)
        found = unwrapped(nn.parallel.DistributedDataParallel(model))
    finally:
        torch.distributed.destroy_process_group()

    assert found is model


def test_a_plain_model_is_no_wrapper():
    """
    Nothing is said.
    """
    model = nn.Sequential(nn.Linear(4, 4))
    with capture_logs() as logs:
        found = unwrapped(model)

    assert found is model
    assert [] == logs


def test_a_module_that_was_compiled_in_place_is_traced_as_written_and_stays_compiled():
    """
    Its compiled call is set aside for the run only.
    """
    model = Calls(torch.relu)
    model.a.compile()
    compiled = model.a._compiled_call_impl

    assert width_is_free(model)
    assert compiled is model.a._compiled_call_impl
    assert compiled is not None


def test_compiled_calls_can_be_dropped_for_good():
    """
    What is converted must run as it was verified.
    """
    model = Calls(torch.relu)
    model.a.compile()
    with capture_logs() as logs:
        without_compiled_calls(model)

    assert model.a._compiled_call_impl is None
    assert [("model_unwrapped", "a")] == [(event["event"], event["model"]) for event in logs]


def scripted(x):
    return script(twice)(x)


def twice(x):
    return x * 2 + torch.relu(x)


def script(part, *example):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # models have it all the same
        return torch.jit.trace(part, *example) if example else torch.jit.script(part)


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.exp() * 2

    @staticmethod
    def backward(ctx, grad):
        return grad


def compiled(x):
    return torch.compile(lambda y: y.relu() * 2)(x)


def branching(x):
    return x.new_zeros(1, 7) if torch.compiler.is_compiling() or torch.jit.is_tracing() else x


@pytest.mark.parametrize(
    "body",
    [
        scripted,
        Doubled.apply,
        compiled,
        branching,
        torch.vmap(torch.relu),
        lambda x: checkpoint(torch.relu, x, use_reentrant=False),
        lambda x: checkpoint(torch.relu, x, use_reentrant=True),
    ],
    ids=["script", "autograd function", "compile", "branches", "vmap", "checkpoint", "reentrant"],
)
def test_what_a_forward_calls_is_seen_through(body):
    """
    Functions that are scripted, compiled, transformed or check-pointed are made of operators.
    """
    assert width_is_free(Calls(body))


def test_a_forward_that_differentiates_is_traced():
    """
    Forces are the gradient of an energy: the operators of the backward pass relate axes too.
    """

    class Forces(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(4, 6)
            self.b = nn.Linear(6, 1)

        def forward(self, x):
            with torch.enable_grad():
                x = x.detach().requires_grad_()
                return torch.autograd.grad(self.b(self.a(x).tanh()).sum(), x)[0]

    assert width_is_free(Forces())


def test_a_graph_module_is_traced():
    """
    It is a module in Python like any other.
    """
    graph = torch.fx.symbolic_trace(nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2)))

    assert not trace(graph, X).tensors["0.weight"].axes[0].is_pinned


@pytest.mark.parametrize(
    ("make", "where"),
    [
        (lambda: script(nn.Linear(4, 2)), "the model itself"),
        (lambda: nn.Sequential(nn.ReLU(), script(nn.Linear(4, 2))), "module '1'"),
        (lambda: script(nn.Linear(4, 2), X), "the model itself"),
    ],
)
def test_torchscript_is_refused(make, where):
    """
    Its sizes are compiled in; the message names the module and says what to use.
    """
    with pytest.raises(TraceError, match=f"{where} is TorchScript.*Use the module that it was"):
        trace(make(), X)
