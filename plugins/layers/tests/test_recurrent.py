"""Recurrent layers and cells keep every promise of a converter."""

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import espalier
from espalier.testing import ConverterContract


pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported")

#: Options of a layer by a name for them.
KINDS = {
    "plain": {},
    "no bias": {"bias": False},
    "2 layers, both ways": {"num_layers": 2, "bidirectional": True, "dropout": 0.0},
    "batch first": {"batch_first": True, "num_layers": 2},
}
PROJECTED = {
    "projected": {"hidden_size": 5, "proj_size": 4},
    "projected, both ways": {
        "hidden_size": 5,
        "proj_size": 3,
        "num_layers": 2,
        "bidirectional": True,
        "bias": False,
    },
}
CELLS = {"plain": {}, "no bias": {"bias": False}}
RECTIFIED = {"rectified": {"nonlinearity": "relu"}}
LAYERS = (nn.RNN, nn.GRU, nn.LSTM)

RNN_KINDS = {**KINDS, **RECTIFIED}
LSTM_KINDS = {**KINDS, **PROJECTED}
RNN_CELLS = {**CELLS, **RECTIFIED}
ONE = {"plain": {}}
WITH_STATES = {"projected": PROJECTED["projected"]}


def flat(output):
    """Return all tensors of *output* in one row."""
    if isinstance(output, torch.Tensor):
        return output.flatten()
    return torch.cat([flat(part) for part in output])


class RecurrentContract(ConverterContract):
    """Layers of 3 inputs and 4 units, whose every result is compared."""

    __test__ = False
    kinds = KINDS

    def make(self, **options):
        return self.layer(**{"input_size": 3, "hidden_size": 4, **options})

    def inputs(self, layer):
        return (torch.randn(5, 2, layer.input_size),)

    def like(self, layer):
        names = ("input_size", "hidden_size", "num_layers", "bias", "batch_first", "bidirectional")
        given = {name: getattr(layer, name) for name in names}
        if layer.proj_size:
            given["proj_size"] = layer.proj_size
        if layer.mode == "RNN_RELU":
            given["nonlinearity"] = "relu"
        return type(layer)(**given)

    def call(self, layer, dtype=None):
        return flat(super().call(layer, dtype))


class TestRNN(RecurrentContract):
    """The contract holds for layers without gates."""

    __test__ = True
    layer = nn.RNN
    kinds = RNN_KINDS


class TestGRU(RecurrentContract):
    """It holds for gated layers."""

    __test__ = True
    layer = nn.GRU


class TestLSTM(RecurrentContract):
    """It holds for long short-term memory, with projections too."""

    __test__ = True
    layer = nn.LSTM
    kinds = LSTM_KINDS


class TestUnbatched(RecurrentContract):
    """It holds for a single sequence."""

    __test__ = True
    layer = nn.LSTM
    kinds = ONE

    def inputs(self, layer):
        return (torch.randn(5, layer.input_size),)


class TestWithStates(RecurrentContract):
    """It holds where the first states are given."""

    __test__ = True
    layer = nn.LSTM
    kinds = WITH_STATES

    def inputs(self, layer):
        dtype = layer.weight_ih_l0.dtype
        states = (torch.randn(1, 2, n, dtype=dtype) for n in (layer.proj_size, 5))
        return (torch.randn(5, 2, layer.input_size), tuple(states))


class CellContract(RecurrentContract):
    """Cells of 3 inputs and 4 units."""

    kinds = CELLS

    def inputs(self, layer):
        return (torch.randn(2, layer.input_size),)

    def like(self, layer):
        given = {"bias": layer.bias}
        if hasattr(layer, "nonlinearity"):
            given["nonlinearity"] = layer.nonlinearity
        return type(layer)(layer.input_size, layer.hidden_size, **given)


class TestRNNCell(CellContract):
    """The contract holds for steps without gates."""

    __test__ = True
    layer = nn.RNNCell
    kinds = RNN_CELLS


class TestGRUCell(CellContract):
    """It holds for gated steps."""

    __test__ = True
    layer = nn.GRUCell


class TestLSTMCell(CellContract):
    """It holds for steps of long short-term memory."""

    __test__ = True
    layer = nn.LSTMCell


class Tagger(nn.Module):
    """Words, a recurrent layer, and a class for each word."""

    def __init__(self, layer, **options):
        super().__init__()
        torch.manual_seed(0)
        self.words = nn.Embedding(20, 6)
        self.recurrent = layer(6, 8, num_layers=2, bidirectional=True, **options)
        self.head = nn.Linear(2 * (options.get("proj_size") or 8), 5)

    def forward(self, index):
        return self.head(self.recurrent(self.words(index))[0])


def words():
    """Return 7 words of 3 sentences."""
    return torch.randint(20, (7, 3), generator=torch.Generator().manual_seed(1))


def fine(model, inputs):
    """Convert *model* with every size as a choice."""
    names = ("Embedding", "Linear", "LSTM", "GRU", "RNN")
    rules = {f"torch.nn.{name}": {"*": {"feature_divisor": 1}} for name in names}
    return espalier.convert(model, inputs=inputs, config=rules)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_tagger_exports_the_layer_made_by_hand(layer):
    """
    What is exported is a layer of the smaller size with the active part of each gate's rows.
    """
    index, model = words(), fine(Tagger(layer), words())
    whole = {name: p.detach().clone() for name, p in model.recurrent.named_parameters()}
    space = espalier.space(model)
    order = torch.tensor([5, 0, 7, 2, 1, 3, 4, 6])
    space["recurrent.hidden_size"].enforce_order(order)
    space.select({"words.embedding_dim": 4, "recurrent.hidden_size": 3})
    expected = model(index)
    espalier.export(model)

    kept, gates = order[:3], whole["bias_ih_l0"].numel() // 8
    rows = torch.cat([kept + 8 * gate for gate in range(gates)])
    made = layer(4, 3, num_layers=2, bidirectional=True)
    with torch.no_grad():
        for name, own in made.named_parameters():
            columns = {"weight_ih_l0": torch.arange(4), "weight_hh": kept, "weight_ih_l1": None}
            part = whole[name][rows]
            if name.startswith("weight"):
                start = "weight_hh" if name.startswith("weight_hh") else name[:12]
                both = torch.cat([kept, kept + 8])
                wanted = columns[start]
                part = part[:, both if wanted is None else wanted]
            own.copy_(part)
    states = made(model.words(index))
    torch.testing.assert_close(model.recurrent(model.words(index)), states, rtol=0, atol=0)
    torch.testing.assert_close(model(index), expected)
    assert model.recurrent.extra_repr() == made.extra_repr()


@pytest.mark.parametrize("layer", LAYERS)
def test_sorting_the_units_changes_nothing(layer):
    """
    The units of every gate, layer, direction and state move together.
    """
    index, plain = words(), Tagger(layer)
    expected = plain(index)
    model = fine(plain, index)
    generator = torch.Generator().manual_seed(2)
    for hparam in espalier.space(model).values():
        hparam.enforce_order(torch.randperm(hparam.units, generator=generator))

    assert ["words.embedding_dim", "recurrent.hidden_size"] == list(espalier.space(model))
    torch.testing.assert_close(model(index), expected)


@pytest.mark.parametrize("layer", LAYERS)
def test_units_of_zeros_can_go(layer):
    """
    A unit whose gates see and add nothing stays zero, so the exported model agrees.
    """
    index, model = words(), Tagger(layer)
    with torch.no_grad():
        for name, parameter in model.recurrent.named_parameters():
            gated = parameter.view(-1, 8, *parameter.shape[1:])
            gated[:, 5:] = 0
            if name.startswith("weight_hh"):
                parameter[:, 5:] = 0
    expected = model(index)
    fine(model, index)
    espalier.space(model).select({"recurrent.hidden_size": 5})
    espalier.export(model)

    assert 5 == model.recurrent.hidden_size
    torch.testing.assert_close(model(index), expected)


def test_a_projection_keeps_the_units_behind_it():
    """
    They must be more than it has, so only the projection's own can go.
    """
    index = words()
    model = fine(Tagger(nn.LSTM, proj_size=4), index)

    assert (1, 2, 3, 4) == espalier.space(model)["recurrent.proj_size"].choices
    assert "recurrent.hidden_size" not in espalier.space(model)
    espalier.space(model).select({"recurrent.proj_size": 2})
    expected = model(index)
    espalier.export(model)
    assert (8, 2, 4) == (
        model.recurrent.hidden_size,
        model.recurrent.proj_size,
        model.head.in_features,
    )
    torch.testing.assert_close(model(index), expected, rtol=0, atol=0)


def test_copies_and_pickles_follow_their_own_units():
    """
    The list of weights that ``forward`` reads is that of the copy.
    """
    index, model = words(), fine(Tagger(nn.LSTM), words())
    espalier.space(model).select({"recurrent.hidden_size": 3})
    expected = model(index)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        torch.testing.assert_close(other(index), expected, rtol=0, atol=0)
        with torch.no_grad():
            dict(other.recurrent.named_parameters())["weight_hh_l0"].zero_()
        assert not torch.equal(expected, other(index))

    torch.testing.assert_close(model(index), expected, rtol=0, atol=0)


def test_a_new_dtype_reaches_the_list_of_weights():
    """
    Converting the dtype of a dynamic layer changes what it computes in, whatever is active.
    """
    index, model = words(), fine(Tagger(nn.LSTM), words())
    espalier.space(model).select({"recurrent.hidden_size": 3})
    expected = model(index)
    model.double()

    assert torch.float64 is model(index).dtype
    torch.testing.assert_close(model(index).float(), expected)
    espalier.space(model).select({"recurrent.hidden_size": 8})
    assert torch.float64 is model(index).dtype


def test_nothing_of_the_large_layer_is_left_after_an_export():
    """
    The list of weights is that of the small parameters before the layer has run.
    """
    model = fine(Tagger(nn.GRU), words())
    espalier.space(model).select({"recurrent.hidden_size": 3})
    espalier.export(model)
    layer = model.recurrent

    assert all(
        listed is own for listed, own in zip(layer._flat_weights, layer.parameters(), strict=True)
    )


@pytest.mark.parametrize("layer", LAYERS)
def test_a_saved_subnet_comes_back(layer, tmp_path):
    """
    A model restored from a file computes what the saved one did.
    """
    index, model = words(), fine(Tagger(layer), words())
    espalier.space(model).select({"recurrent.hidden_size": 3})
    expected = model(index)
    for name in ("supernet", "exported"):
        espalier.save(model, tmp_path / name)
        fresh = espalier.restore(Tagger(layer), tmp_path / name)
        torch.testing.assert_close(fresh(index), expected)
        if name == "supernet":
            espalier.export(model)


def test_steps_by_hand_share_their_units():
    """
    A loop over a cell has the hidden size of the cell as one hparam.
    """

    class Loop(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell, self.head = nn.LSTMCell(6, 8), nn.Linear(8, 5)

        def forward(self, steps):
            state = None
            for step in steps:
                state = self.cell(step, state)
            return self.head(state[0])

    steps = torch.randn(3, 2, 6, generator=torch.Generator().manual_seed(3))
    model = fine(Loop(), steps)
    espalier.space(model).select({"cell.hidden_size": 4})
    expected = model(steps)
    espalier.export(model)

    assert (4, 4) == (model.cell.hidden_size, model.head.in_features)
    torch.testing.assert_close(model(steps), expected, rtol=0, atol=0)


@pytest.mark.parametrize("layer", LAYERS)
def test_the_count_is_that_of_the_products_inside(layer):
    """
    Each weight meets every step of every sequence once.
    """
    index, model = words(), Tagger(layer, bias=False).double()  # in which torch fuses nothing
    with FlopCounterMode(display=False) as counter:
        model(index)

    assert counter.get_total_flops() == espalier.profile(model, index).flops * 2
