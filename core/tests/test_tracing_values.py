"""Models that read values: run once with data, then on fakes with a tape that answers."""

import json

import numpy as np
import pytest
import torch
from structlog.testing import capture_logs
from torch import nn

from espalier.axes import atoms
from espalier.errors import TraceError
from espalier.tracing import Mismatch, Tape, Taped, replay, trace, without_data
from espalier.tracing.tape import Entry


class Calls(nn.Module):
    """Runs *body* between two layers whose width may change."""

    def __init__(self, body):
        super().__init__()
        self.body = body
        self.a = nn.Linear(4, 6)
        self.b = nn.Linear(6, 2)
        self.register_buffer("mean", torch.zeros(6))

    def forward(self, x, *args):
        return self.body(self, x, *args)


X = torch.tensor([[1.0, 2, 3, 4], [-1, 0, 0, 0], [2, 1, 0, 5], [-3, 0, 1, 0]])


def width_of(found):
    (width,) = atoms(found.tensors["a.weight"].axes[0])
    return width


def texts(axis):
    return {reason.text for atom in atoms(axis) for reason in atom.reasons}


def experts(model, x):
    """Route each row by its largest column, as a mixture of experts does."""
    chosen, hidden = x.argmax(-1), model.a(x)
    out = torch.zeros(len(x), 2)
    for number in range(4):
        (rows,) = torch.where(chosen == number)
        if rows.numel():
            out[rows] = model.b(hidden[rows])
    return out


def looping(model, x):
    hidden = model.a(x)
    for _ in range(int(x.abs().max())):
        hidden = hidden.relu()
    return model.b(hidden)


READING = {
    "item": lambda m, x: m.b(m.a(x)) * x.sum().item(),
    "truth": lambda m, x: m.b(m.a(x)) if (x > 0).any() else m.b(m.a(x).exp()),
    "int": looping,
    "tolist": lambda m, x: m.b(m.a(x)) * x[0].tolist()[2],
    "numpy": lambda m, x: m.b(m.a(x)) * float(x.numpy().sum()),
    "asarray": lambda m, x: m.b(m.a(x)) * float(np.asarray(x).sum()),
    "format": lambda m, x: m.b(m.a(x)) * float(f"{x[0, 1]:.1f}"),
    "equal": lambda m, x: m.b(m.a(x)) if torch.equal(x, x) else x,
    "slice": lambda m, x: m.b(m.a(x)[: x[0, 1].long()]),
    "nonzero": lambda m, x: m.b(m.a(x)[x[:, 0].gt(0).nonzero().flatten()]),
    "where": lambda m, x: m.b(m.a(x)[torch.where(x[:, 0] > 0)]),
    "mask": lambda m, x: m.b(m.a(x)[x[:, 0] > 0]),
    "unique": lambda m, x: m.b(m.a(x)) * x.unique().numel(),
    "masked_select": lambda m, x: m.b(m.a(x)).masked_select(x[:, :2] > 0),
    "repeat_interleave": lambda m, x: m.b(m.a(x).repeat_interleave(x[:, 3].long(), 0)),
    "infinite": lambda m, x: m.b(m.a(x)) * (0 if (x.sum() / 0).item() > 0 else 1),
    "experts": experts,
}


@pytest.mark.parametrize("body", READING.values(), ids=READING)
def test_a_model_that_reads_values_is_analysed(body):
    """
    What is read does not spoil what it is not made of: the width between the layers stays free.
    """
    found = trace(Calls(body), X)

    assert 6 == width_of(found).size
    assert not width_of(found).is_pinned
    assert {} == found.unknown
    assert found.tape.entries


@pytest.mark.parametrize("body", READING.values(), ids=READING)
def test_the_tape_answers_later_runs_without_data(body):
    """
    Inputs without data and the tape, also after both went through JSON, give the same operators,
    for a trace and for a replay.
    """
    model = Calls(body)
    found = trace(model, X)
    tape = Tape.from_plain(json.loads(json.dumps(found.tape.to_plain(), allow_nan=False)))
    again = trace(model, without_data(X, tape))
    replay(model, without_data(X), found, lambda axis: axis.size, {})

    assert tape.to_plain() == again.tape.to_plain()
    assert [record.op for record in found.records] == [record.op for record in again.records]


@pytest.mark.parametrize(
    "answer",
    [
        True,
        3,
        -2.5,
        float("inf"),
        complex(1, float("-inf")),
        [1, (2, None)],
        torch.empty(2, 3, dtype=torch.int32, device="meta"),
        torch.tensor([[1.5, float("inf")]], dtype=torch.float64),
    ],
)
def test_every_answer_survives_json(answer):
    """
    Numbers that JSON has no word for, nested answers, and tensors with and without data.
    """
    written = json.dumps(Tape((Entry("op", answer),)).to_plain(), allow_nan=False)
    (entry,) = Tape.from_plain(json.loads(written)).entries

    assert type(answer) is type(entry.answer)
    if isinstance(answer, torch.Tensor):
        assert (answer.shape, answer.dtype) == (entry.answer.shape, entry.answer.dtype)
        assert answer.device == entry.answer.device
        assert answer.is_meta or torch.equal(answer, entry.answer)
    else:
        assert answer == entry.answer


@pytest.mark.parametrize("plain", [{"float": []}, {"what": 1}, {"shape": [2], "dtype": "nn"}])
def test_a_tape_that_is_none_is_refused(plain):
    """
    Data from elsewhere does not become an answer.
    """
    with pytest.raises((ValueError, TypeError)):
        Tape.from_plain([["op", plain]])


def test_a_model_that_reads_no_values_needs_no_data():
    """
    It has no tape, and nothing is said.
    """
    with capture_logs() as logs:
        found = trace(Calls(lambda m, x: m.b(m.a(x))), X)

    assert found.tape is None
    assert [] == logs


def test_the_log_names_the_module_and_the_line_that_read_a_value():
    """
    So that the reader knows why the model ran with its data.
    """
    model = nn.Sequential(nn.Linear(4, 4), Calls(READING["item"]))
    with capture_logs() as logs:
        trace(model, X)
    (event,) = logs

    assert ("traced_with_values", "1") == (event["event"], event["module"])
    assert "test_tracing_values.py:" in event["place"]


def test_a_mask_pins_what_it_takes_and_nothing_else():
    """
    The masked axes can't change, those behind pass, and how many are left depends on values.
    """

    def body(model, x):
        kept = model.a(x)[x[:, 0] > 0]
        return model.b(kept), kept.flatten()[:0]

    found = trace(Calls(body), X)
    (record,) = [record for record in found.records if record.op == "aten::index"]
    rows, columns = record.outputs[0]

    assert 2 == rows.size
    assert rows.is_pinned
    assert columns.root is width_of(found)


def test_what_decides_a_size_is_pinned_with_its_reason():
    """
    Selected values come without an order of units that could be followed.
    """
    found = trace(Calls(lambda m, x: m.a(x)[m.a(x) > 0].sum() + m.b(m.a(x)).sum()), X)
    other = trace(Calls(lambda m, x: m.a(x).masked_select(m.a(x) > 0).sum()), X)

    assert width_of(found).is_pinned
    assert "its size depends on values" in texts(width_of(other))


def test_what_leaves_torch_as_an_array_is_pinned():
    """
    Nobody knows what is done with it there.
    """
    found = trace(Calls(lambda m, x: torch.from_numpy(m.a(x).numpy() * 2) + m.a(x)), X)

    assert "its values are read" in texts(found.tensors["a.weight"].axes[0])


def test_the_way_taken_is_that_of_the_data():
    """
    A branch on a value is taken as it is for the given inputs.
    """
    model = Calls(lambda m, x: m.b(m.a(x).exp() if x.sum() > 0 else m.a(x).relu()))
    up, down = ({r.op for r in trace(model, x).records} for x in (X, -X))

    assert "aten::exp" in up - down
    assert "aten::relu" in down - up


def test_reading_values_leaves_the_model_and_the_inputs_as_they_are():
    """
    Bit for bit, with their versions, though forward writes to a buffer, a weight and its input.
    """

    def body(model, x):
        x[0] = 0
        model.mean.mul_(0.5).add_(model.a(x).mean(0))
        model.a.weight.add_(1)
        model.seen = x
        torch.rand(1)
        return model.b(model.a(x)) if model.mean.sum().item() > 0 else model.b(model.a(x).relu())

    model, x = Calls(body).train(), X.clone()
    tensors = {"x": x, **model.state_dict(keep_vars=True)}
    before = {name: (t._version, t.detach().clone()) for name, t in tensors.items()}
    state = torch.get_rng_state()
    trace(model, x)

    for name, (version, value) in before.items():
        assert version == tensors[name]._version
        assert torch.equal(value, tensors[name])
    assert torch.equal(state, torch.get_rng_state())
    assert model.training
    assert not hasattr(model, "seen")
    assert dict(model.named_parameters()).keys() <= tensors.keys()


@pytest.mark.parametrize("bare", ["model", "inputs"])
def test_without_data_a_model_that_reads_values_is_refused(bare):
    """
    The message names the module, the line, and what to do.
    """
    model = nn.Sequential(Calls(READING["item"]))
    inputs = X
    if bare == "model":
        model = model.to("meta")
    else:
        inputs = without_data(X)
    with pytest.raises(
        TraceError,
        match=r"module '0' \(.*test_tracing_values\.py:\d+ in .* reads values of a tensor.*"
        r"(the inputs are|0\.\S+ is) on the meta device. Build the model on a device with memory",
    ):
        trace(model, inputs)


def test_a_replay_that_reads_more_than_the_tape_holds_is_a_mismatch():
    """
    Nobody can answer, so the sizes at hand are not seen to work.
    """
    model = Calls(lambda m, x: m.b(m.a(x)) * x.sum().item())
    found = trace(model, X)
    model.body = lambda m, x: m.b(m.a(x)) * x.sum().item() * x.max().item()
    with pytest.raises(Mismatch):
        replay(model, X, found, lambda axis: axis.size, {})


@pytest.mark.parametrize("other", ["truth", "mask"])
def test_a_tape_of_another_model_is_an_error(other):
    """
    The message says what is read and what the tape says there.
    """
    tape = trace(Calls(READING["unique"]), X).tape
    with pytest.raises(TraceError, match=r"reads values of a tensor by aten::\w+, but the run"):
        trace(Calls(READING[other]), Taped(without_data(X), tape))


def test_an_error_of_the_run_with_data_is_told_as_any_other():
    """
    A value that the model itself refuses.
    """

    def body(model, x):
        if x.sum().item() > 0:
            raise ValueError("the sum must not be positive")
        return model.a(x)

    with pytest.raises(
        TraceError, match=r"raised ValueError in the model itself.*not be positive"
    ):
        trace(Calls(body), X)
    assert trace(Calls(body), -X).tape


library = torch.library.Library("espalier_values", "DEF")
library.define("first_half(Tensor x) -> Tensor")
library.impl("first_half", lambda x: x[: len(x) // 2].clone(), "CPU")


def test_an_operator_that_has_no_kernel_for_fakes_runs_with_data():
    """
    What it reads is pinned, and its result too; the rest of the model is analysed.
    """
    found = trace(
        Calls(lambda m, x: m.b(torch.ops.espalier_values.first_half(x.abs()).mean() * m.a(x))), X
    )

    assert "espalier_values::first_half" in {entry.op for entry in found.tape.entries}
    assert not width_of(found).is_pinned


def test_grouped_products_of_single_precision_need_no_data():
    """
    Experts in one kernel: torch's fake of it takes no other precision than bfloat16, ours does.
    """

    class Experts(nn.Module):
        def __init__(self):
            super().__init__()
            self.up = nn.Parameter(torch.randn(2, 8, 16))

        def forward(self, x, ends):
            return torch._grouped_mm(x, self.up, offs=ends)

    inputs = (torch.randn(6, 8), torch.tensor([2, 6], dtype=torch.int32))
    model = Experts()
    found = trace(model, inputs)

    assert found.tape is None
    assert tuple(model(*inputs).shape) == tuple(axis.size for axis in found.records[-1].outputs[0])
