"""What a forward writes to real tensors, those that no module has registered, is undone."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from espalier.axes import atoms
from espalier.errors import TraceError
from espalier.tracing import replay, trace


X = torch.ones(2, 4)


class Calls(nn.Module):
    def __init__(self, body, held):
        super().__init__()
        self.body = body
        self.fc = nn.Linear(4, 6)
        self.register_buffer("mean", torch.zeros(6))
        self.register_buffer("var", torch.ones(6))
        self.held = held

    def forward(self, x):
        return self.body(self, self.fc(x))


def reading(body):
    """Return a *body* that has values read, so that the model runs with data."""

    def read(model, x):
        x = body(model, x)
        return x if float(x.sum()) < 1e9 else x * 2

    return read


def counts(model, x):
    for number in (0, 1, 2):
        model.held[number].add_(1)
    model.held[2][1:].mul_(3)
    model.held[0] += 2
    return x + float(model.held[0])


def takes(model, x):
    model.held[2].copy_(x.sum(0))
    torch.add(model.held[2], 1, out=model.held[2])
    return x


def trains(model, x):
    return model.held[3](x)


def trains_its_buffers(model, x):
    return F.batch_norm(x, model.mean, model.var, training=True)


def tensors():
    return [torch.tensor(0), torch.zeros(()), torch.zeros(6), nn.BatchNorm1d(6)]


def contents(model):
    own = [*model.held[:3], *model.held[3].state_dict(keep_vars=True).values()]
    own += [*model.parameters(), *model.buffers()]
    return [(id(tensor), tensor._version, tensor.tolist()) for tensor in own]


@pytest.mark.parametrize("with_values", [False, True])
@pytest.mark.parametrize("body", [counts, takes, trains, trains_its_buffers])
def test_what_a_run_writes_is_undone(body, with_values):
    """
    Content and version; by a trace and by a replay, with data and on fakes alone.
    """
    torch.manual_seed(0)
    model = Calls(reading(body) if with_values else body, tensors())
    before = contents(model)
    found = trace(model, X)

    assert before == contents(model)
    replay(model, X, found, lambda axis: axis.size, {})
    assert before == contents(model)


def test_a_run_reads_what_it_wrote():
    """
    It is undone at the end, not before: a counter counts.
    """

    def body(model, x):
        model.held[0].add_(2)
        return x.relu() if int(model.held[0]) == 2 else x.sigmoid()

    model = Calls(body, tensors())

    assert "aten::relu" in {record.op for record in trace(model, X).records}
    assert 0 == model.held[0]


def test_a_run_that_raises_is_undone_too():
    """
    As far as it came.
    """

    def body(model, x):
        model.held[0].add_(2)
        raise ValueError("no")

    model = Calls(body, tensors())
    with pytest.raises(TraceError, match=r"ValueError.*no"):
        trace(model, X)

    assert 0 == model.held[0]


@pytest.mark.parametrize("keep", [list, tuple, lambda held: dict(enumerate(held))])
def test_layers_in_plain_containers_are_constants(keep):
    """
    What meets them is pinned; they stay in training, as they would in any other run.
    """

    def body(model, x):
        return model.last(model.held[0](model.fc(x)))

    model = nn.Module()
    model.fc, model.last = nn.Linear(4, 8), nn.Sequential(nn.Linear(5, 7), nn.Linear(7, 3))
    model.held = keep([nn.Linear(8, 5)])
    model.forward = lambda x: body(model, x)
    tensors = trace(model, X).tensors

    def reasons(name, axis):
        return {why.text for found in atoms(tensors[name].axes[axis]) for why in found.reasons}

    assert set(tensors) == {name for name, _ in model.named_parameters()}
    assert {"constant tensor"} == reasons("fc.weight", 0) == reasons("last.0.weight", 1)
    assert set() == reasons("last.0.weight", 0)
    assert model.held[0].training
