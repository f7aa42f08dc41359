"""Scores from weights are those that masks multiplied in by hand give."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from .networks import FINE, by_masks, draw, scores_of, seeded


def spread(outputs):
    """Return a loss of outputs that has no minimum at zero and no symmetry."""
    weights = torch.arange(1.0, 1.0 + outputs.numel(), dtype=outputs.dtype)
    return (outputs.flatten() * weights.sin()).sum().square() + (outputs**3).mean()


def loss(model, batch):
    return spread(model(batch))


def assert_scores(model, name, masked, *, shape, units, config=FINE):
    """Compare the scores of hparam *name* with those of ``masked(mask, batch)``."""
    data = [draw(*shape, seed=seed) for seed in range(3)]
    expected = by_masks(lambda mask, batch: spread(masked(mask, batch)), units, data)
    found = scores_of(model, loss, data, data[0][:1], config)

    assert units // 2 <= expected.count_nonzero()  # a rectifier may shut some units off
    torch.testing.assert_close(found[name], expected, rtol=1e-9, atol=0)


@pytest.mark.parametrize("activation", [nn.ReLU, nn.GELU, nn.Tanh])
def test_a_hidden_linear_layer(activation):
    """
    The mask stands on what the next layer reads, after whatever activation.
    """
    model = seeded(lambda: nn.Sequential(nn.Linear(5, 8), activation(), nn.Linear(8, 3)))

    def masked(mask, batch):
        return model[2](model[1](model[0](batch)) * mask)

    assert_scores(model, "0.out_features", masked, shape=(4, 5), units=8)


def test_a_mask_before_relu_is_the_same():
    """
    So the producer's weights and bias say what the consumer's weights say.
    """
    model = seeded(lambda: nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3)))

    def masked(mask, batch):
        own = F.linear(batch, model[0].weight * mask[:, None], model[0].bias * mask)
        return model[2](own.relu())

    assert_scores(model, "0.out_features", masked, shape=(4, 5), units=8)


def test_a_convolution_with_batch_norm():
    """
    The mask stands after the normalisation, so its weight and bias make the unit.
    """
    model = seeded(
        lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 3))
    )

    def masked(mask, batch):
        own = model[1](model[0](batch)) * mask[:, None, None]
        return model[3](own.relu())

    batch = draw(2, 3, 6, 6)
    loss(model, batch).backward()
    norm = model[1]
    made = norm.weight * norm.weight.grad + norm.bias * norm.bias.grad
    expected = by_masks(lambda mask, batch: spread(masked(mask, batch)), 8, [batch])
    model.zero_grad()

    torch.testing.assert_close(made.detach().square(), expected, rtol=1e-9, atol=0)
    assert_scores(model, "0.out_channels", masked, shape=(2, 3, 6, 6), units=8)


class Separable(nn.Module):
    """A depthwise convolution between two others."""

    def __init__(self):
        super().__init__()
        self.enter = nn.Conv2d(3, 8, 1)
        self.depth = nn.Conv2d(8, 8, 3, groups=8)
        self.leave = nn.Conv2d(8, 4, 1)

    def forward(self, x, mask=1.0):
        return self.leave(self.depth(self.enter(x)).relu() * mask)


def test_a_depthwise_convolution_hands_units_on():
    """
    It reads no other unit, so the mask stands where the next layer reads.
    """
    model = seeded(Separable)
    assert_scores(
        model,
        "enter.out_channels",
        lambda mask, batch: model(batch, mask[:, None, None]),
        shape=(2, 3, 6, 6),
        units=8,
    )


@pytest.mark.parametrize("kind", [nn.Conv2d, nn.ConvTranspose2d])
def test_a_grouped_convolution(kind):
    """
    Channels of a group are masked where the groups read them, whole groups after that.
    """

    def make():
        layers = [nn.Conv2d(3, 16, 1), nn.Tanh(), kind(16, 24, 3, groups=4), nn.Tanh()]
        return nn.Sequential(*layers, nn.Conv2d(24, 2, 1))

    data = [draw(2, 3, 5, 5, seed=seed) for seed in range(2)]
    model = seeded(make)

    def inner(mask, batch):
        own = model[1](model[0](batch)).unflatten(1, (4, 4)) * mask[:, None, None]
        return spread(model[2:](own.flatten(1, 2)))

    def groups(mask, batch):
        own = model[:4](batch).unflatten(1, (4, 6)) * mask[:, None, None, None]
        return spread(model[4](own.flatten(1, 2)))

    def outer(mask, batch):
        own = model[:4](batch).unflatten(1, (4, 6)) * mask[:, None, None]
        return spread(model[4](own.flatten(1, 2)))

    expected = [by_masks(f, n, data) for f, n in ((inner, 4), (groups, 4), (outer, 6))]
    found = scores_of(model, loss, data, data[0])

    assert 3 == len(found)
    for one in expected:
        assert 1 == sum(
            one.shape == own.shape and torch.allclose(one, own) for own in found.values()
        )


class Stream(nn.Module):
    """A residual stream with an entry and two blocks, all with rectifiers; read three times."""

    def __init__(self):
        super().__init__()
        self.enter = nn.Linear(5, 8)
        self.inner = nn.ModuleList(nn.Linear(8, 6) for _ in range(2))
        self.outer = nn.ModuleList(nn.Linear(6, 8) for _ in range(2))
        self.leave = nn.Linear(8, 3)

    def forward(self, x, mask=1.0):
        x = self.enter(x) * mask
        for inner, outer in zip(self.inner, self.outer, strict=True):
            x = (x + outer(inner(x).relu()) * mask).relu()
        return self.leave(x)


def test_every_producer_of_a_residual_stream_counts_once():
    """
    A mask on each thing that is added to the stream is a mask on the stream.
    """
    model = seeded(Stream)
    assert_scores(model, "enter.out_features", lambda m, x: model(x, m), shape=(4, 5), units=8)


class Square(nn.Module):
    """One square matrix that is applied to its own output and added to its input."""

    def __init__(self):
        super().__init__()
        self.enter, self.square = nn.Linear(5, 8), nn.Linear(8, 8)
        self.leave = nn.Linear(8, 3)

    def forward(self, x, mask=1.0):
        x = self.enter(x) * mask
        x = x + self.square(self.square(x) * mask) * mask
        return self.leave(x)


def test_a_weight_whose_both_axes_are_the_same_units():
    """
    Its rows make what its columns read; only the columns are counted.
    """
    model = seeded(Square)
    assert_scores(model, "enter.out_features", lambda m, x: model(x, m), shape=(4, 5), units=8)


class Gated(nn.Module):
    """A multi-layer perceptron with a gate."""

    def __init__(self):
        super().__init__()
        self.gate, self.up, self.down = nn.Linear(5, 8), nn.Linear(5, 8), nn.Linear(8, 3)

    def forward(self, x, mask=1.0):
        return self.down(F.silu(self.gate(x)) * self.up(x) * mask)


def test_a_gate_is_no_second_producer():
    """
    The product of gate and value is one unit with one mask.
    """
    model = seeded(Gated)
    assert_scores(model, "gate.out_features", lambda m, x: model(x, m), shape=(4, 5), units=8)


class Attention(nn.Module):
    """Self-attention with heads, a size of queries and keys, and one of values."""

    def __init__(self):
        super().__init__()
        self.heads, self.key_size, self.value_size = 4, 6, 8
        self.query, self.key = nn.Linear(5, 24), nn.Linear(5, 24)
        self.value, self.out = nn.Linear(5, 32), nn.Linear(32, 3)

    def forward(self, x, heads=1.0, keys=1.0, values=1.0):
        q = self.query(x).unflatten(-1, (self.heads, self.key_size)).transpose(1, 2) * keys
        k = self.key(x).unflatten(-1, (self.heads, self.key_size)).transpose(1, 2) * keys
        v = self.value(x).unflatten(-1, (self.heads, self.value_size)).transpose(1, 2)
        mixed = F.scaled_dot_product_attention(q, k, v) * heads * values
        return self.out(mixed.transpose(1, 2).flatten(2))


ATTENTION = {
    "heads": (4, lambda model, m, x: model(x, heads=m[:, None, None])),
    "keys": (6, lambda model, m, x: model(x, keys=m)),
    "values": (8, lambda model, m, x: model(x, values=m)),
}


@pytest.mark.parametrize("what", ATTENTION)
def test_attention(what):
    """
    A head is masked at its output, like a value; queries and keys are masked on both sides.
    """
    units, masked = ATTENTION[what]
    data = [draw(2, 3, 5, seed=seed) for seed in range(2)]
    model = seeded(Attention)
    expected = by_masks(lambda m, x: spread(masked(model, m, x)), units, data)
    found = scores_of(model, loss, data, data[0])

    assert 3 == len(found)
    own = next(vector for vector in found.values() if len(vector) == units)
    torch.testing.assert_close(own, expected, rtol=1e-9, atol=0)


class Words(nn.Module):
    """A bag of words, whose vectors are read by a layer and, if tied, by the head."""

    def __init__(self, *, tied):
        super().__init__()
        self.table = nn.Embedding(11, 8)
        self.mix = nn.Linear(8, 8)
        self.head = nn.Linear(8, 11)
        if tied:
            self.head.weight = self.table.weight

    def forward(self, tokens, mask=1.0):
        x = self.table(tokens) * mask
        return self.head(x + self.mix(x).tanh() * mask)


@pytest.mark.parametrize("tied", [False, True])
def test_an_embedding(tied):
    """
    Its width is a stream; where the head is the same matrix, only what the head reads counts.
    """
    model = seeded(lambda: Words(tied=tied))
    data = [torch.randint(11, (4, 3), generator=torch.Generator().manual_seed(s)) for s in (1, 2)]
    expected = by_masks(lambda m, x: spread(model(x, m)), 8, data)
    weight = model.table.weight
    found = scores_of(model, loss, data, data[0])

    torch.testing.assert_close(found["table.embedding_dim"], expected, rtol=1e-9, atol=0)
    assert weight is model.table._parameters["weight"]
    assert tied is (weight is model.head._parameters["weight"])


class Normed(nn.Module):
    """A stream that is normalised before each layer reads it."""

    def __init__(self, norm):
        super().__init__()
        self.enter = nn.Linear(5, 8)
        self.norms = nn.ModuleList(norm() for _ in range(2))
        self.mix, self.leave = nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, x, mask=1.0):
        x = self.enter(x)
        x = x + self.mix(self.norms[0](x) * mask)
        return self.leave(self.norms[1](x) * mask)


@pytest.mark.parametrize(
    "norm", [lambda: nn.LayerNorm(8), lambda: nn.RMSNorm(8), lambda: nn.GroupNorm(2, 8)]
)
def test_behind_a_normalisation_over_units(norm):
    """
    The mask stands on what the normalisation gives; its statistics are those of all units.
    """
    model = seeded(lambda: Normed(norm))
    data = [draw(4, 5, seed=seed) for seed in range(2)]
    expected = by_masks(lambda m, x: spread(model(x, m)), 8, data)
    found = scores_of(model, loss, data, data[0])
    if len(found) == 1:
        torch.testing.assert_close(next(iter(found.values())), expected, rtol=1e-9, atol=0)
        return
    # Groups of a group normalisation: a mask on a group, or on a position of every group.
    grouped = {
        2: by_masks(lambda m, x: spread(model(x, m.repeat_interleave(4))), 2, data),
        4: by_masks(lambda m, x: spread(model(x, m.repeat(2))), 4, data),
    }
    for vector in found.values():
        torch.testing.assert_close(vector, grouped[len(vector)], rtol=1e-9, atol=0)


class Recurrent(nn.Module):
    """Steps of a recurrent cell."""

    def __init__(self, cell):
        super().__init__()
        self.cell, self.leave = cell(5, 8), nn.Linear(8, 3)

    def forward(self, x, mask=1.0):
        h = torch.zeros(
            len(x), 8 if isinstance(mask, torch.Tensor) else self.cell.hidden_size, dtype=x.dtype
        )
        for step in x.unbind(1):
            h = self.cell(step, h * mask)
        return self.leave(h * mask)


def test_a_recurrent_cell():
    """
    What a step reads of the one before is masked like what the next layer reads.
    """
    model = seeded(lambda: Recurrent(nn.RNNCell))
    config = {"nn.RNNCell": {"feature_divisor": 2}, **FINE}
    assert_scores(
        model,
        "cell.hidden_size",
        lambda m, x: model(x, m),
        shape=(4, 3, 5),
        units=8,
        config=config,
    )


class Layer(nn.Module):
    """A recurrent layer of torch's, or the same written in steps with a mask on the state."""

    def __init__(self):
        super().__init__()
        self.lstm, self.leave = nn.LSTM(5, 8, batch_first=True), nn.Linear(8, 3)

    def forward(self, x):
        return self.leave(self.lstm(x)[0])

    def masked(self, x, mask):
        own = self.lstm
        h = c = torch.zeros(len(x), 8, dtype=x.dtype)
        found = []
        for step in x.unbind(1):
            gates = F.linear(step, own.weight_ih_l0, own.bias_ih_l0)
            gates = gates + F.linear(h * mask, own.weight_hh_l0, own.bias_hh_l0)
            i, f, g, o = gates.chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            found.append(self.leave(h * mask))
        return torch.stack(found, 1)


def test_a_recurrent_layer():
    """
    The same in a layer that torch runs as one operator.
    """
    model = seeded(Layer)
    config = {"nn.LSTM": {"feature_divisor": 2}, **FINE}
    assert_scores(
        model,
        "lstm.hidden_size",
        lambda m, x: model.masked(x, m),
        shape=(4, 3, 5),
        units=8,
        config=config,
    )
