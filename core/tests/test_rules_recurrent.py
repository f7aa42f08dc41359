"""Axis rules of recurrent layers and cells."""

import pytest
import torch

from espalier.axes import atoms
from espalier.testing.rules import check_rule
from espalier.tracing import trace


pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported")

GENERATOR = torch.Generator().manual_seed(0)

STEPS, BATCH, INPUTS, UNITS, PROJECTED = 3, 2, 5, 4, 3


def real(*shape):
    return torch.randn(shape, generator=GENERATOR, dtype=torch.float64)


def parameters(gates, layers=1, directions=1, *, bias=True, projected=0):
    """Return what a recurrent layer hands to its operator."""
    made, out = [], projected or UNITS
    for i in range(layers * directions):
        made += [real(gates * UNITS, INPUTS if i < directions else directions * out)]
        made += [real(gates * UNITS, out)]
        made += [real(gates * UNITS), real(gates * UNITS)] if bias else []
        made += [real(projected, UNITS)] if projected else []
    return made


def case(name, function, gates, expected, *states, first=(STEPS, BATCH, INPUTS), **options):
    """Return a case that runs *function* with *states* on an input of shape *first*."""
    layers = options.get("layers", 1)
    directions = options.get("directions", 1)
    batch_first = options.pop("batch_first", False)
    bias = options.get("bias", True)
    tensors = [real(*first), *(real(layers * directions, BATCH, n) for n in states)]

    def run(given, *rest):
        hx = rest[: len(states)]
        params = list(rest[len(states) :])
        both = hx if len(hx) > 1 else hx[0]
        flags = (bias, layers, 0.0, False, directions > 1, batch_first)
        return function(given, both, params, *flags)

    return pytest.param(expected, run, [*tensors, *parameters(gates, **options)], id=name)


LAYERS = [
    case("no gates", torch.rnn_tanh, 1, "pff -ff ff ff f f", UNITS),
    case("no bias", torch.rnn_relu, 1, "pff -ff ff ff", UNITS, bias=False),
    case("3 gates", torch.gru, 3, "pff -ff ff ff f f", UNITS),
    case("4 gates", torch.lstm, 4, "pff -ff -ff ff ff f f", UNITS, UNITS),
    case(
        "batch first",
        torch.gru,
        3,
        "fpf -ff ff ff f f",
        UNITS,
        first=(BATCH, STEPS, INPUTS),
        batch_first=True,
    ),
    case(
        "2 layers both ways",
        torch.lstm,
        4,
        "pff pff pff" + 4 * " ff ff",
        UNITS,
        UNITS,
        layers=2,
        directions=2,
        bias=False,
    ),
    case(
        "a projection",
        torch.lstm,
        4,
        "pff -ff -fp pf pf p p fp",
        PROJECTED,
        UNITS,
        projected=PROJECTED,
    ),
]

CELLS = [
    pytest.param("ff ff ff ff f f", torch.rnn_tanh_cell, 1, id="no gates"),
    pytest.param("ff ff ff ff f f", torch.rnn_relu_cell, 1, id="no gates, rectified"),
    pytest.param("ff ff ff ff f f", torch.gru_cell, 3, id="3 gates"),
    pytest.param("ff ff ff ff ff f f", torch.lstm_cell, 4, id="4 gates"),
]


@pytest.mark.parametrize(("expected", "function", "tensors"), LAYERS)
def test_a_layer_has_one_set_of_units(expected, function, tensors):
    """
    Run on fewer and on permuted inputs, samples and units, against the whole; steps are pinned.
    """
    assert expected == " ".join(check_rule(function, *tensors, spans=True))


@pytest.mark.parametrize(("expected", "function", "gates"), CELLS)
def test_a_cell_has_one_set_of_units(expected, function, gates):
    """
    It is the same for a single step.
    """
    states = [real(BATCH, UNITS) for _ in range(2 if gates == 4 else 1)]

    def run(given, *rest):
        hx = rest[: len(states)]
        return function(given, hx if len(hx) > 1 else hx[0], *rest[len(states) :])

    tensors = [real(BATCH, INPUTS), *states, *parameters(gates)]
    assert expected == " ".join(check_rule(run, *tensors, spans=True))


class Recurrent(torch.nn.Module):
    """A recurrent layer by its operator."""

    def __init__(self, *, packed):
        super().__init__()
        self.params = torch.nn.ParameterList(parameters(4, layers=2, directions=2))
        self.packed = packed

    def forward(self, x):
        hx = 2 * (torch.zeros(4, BATCH, UNITS, dtype=x.dtype),)
        flags = (True, 2, 0.0, False, True)
        if self.packed:
            lengths = torch.full((STEPS,), BATCH)
            return torch.lstm(x.flatten(0, 1), lengths, hx, list(self.params), *flags)[0]
        return torch.lstm(x, hx, list(self.params), *flags, False)[0]


@pytest.mark.parametrize("packed", [False, True])
def test_all_layers_and_directions_share_their_units(packed):
    """
    Nothing else is free behind the inputs, packed or not, and every weight is counted once a step.
    """
    model = Recurrent(packed=packed)
    traced = trace(model, real(STEPS, BATCH, INPUTS), pin_inputs=False)
    recurrent = [axes.axes[1] for axes in traced.tensors.values() if len(axes.axes) > 1][1::2]
    found = {root for axis in recurrent for root in atoms(axis)}
    weights = sum(p.numel() for p in model.parameters() if p.dim() > 1)
    [record] = [record for record in traced.records if "aten::lstm" == record.op]
    counted = 0
    for cost in record.costs:
        product = cost.coefficient
        for axis in cost.axes:
            product *= axis.size
        counted += product

    assert [UNITS] == [root.size for root in found]
    assert not any(root.reasons for root in found)
    assert STEPS * BATCH * weights == counted
