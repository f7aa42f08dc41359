"""Scales and activations against what is computed by hand."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import espalier
from espalier.errors import ScoreError
from espalier.importance import estimate
from espalier.searching import Constraints, SearchConfig, SearchTask
from espalier_importance import Activation, BatchNormScale


FINE = {
    "nn.Conv2d": {"channel_divisor": 2},
    **{f"nn.{kind}": {"feature_divisor": 2} for kind in ("Linear", "BatchNorm2d")},
}


def draw(*shape, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def seeded(make):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = make().eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_(torch.randn_like(parameter) * 0.5)
    return model


def loss(model, batch):
    return model(batch).square().mean()


def scores_of(kind, model, data, *, loss=loss, inputs=None):
    espalier.convert(model, inputs=data[0] if inputs is None else inputs, config=FINE)
    bounds = Constraints.resolve(model, {"params": "100%"})
    task = SearchTask(model, bounds, None, loss, data, config=SearchConfig(progress=False))
    return {h.name: scores for h, scores in estimate(task, kind()).items()}


def share(values):
    """Return float64 values over their largest."""
    return values.detach().double() / values.detach().double().max()


def test_the_scale_of_batch_normalisation():
    """
    Its absolute value, over the largest.
    """
    model = seeded(
        lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 3))
    )
    expected = share(model[1].weight.abs())
    found = scores_of(BatchNormScale, model, [draw(2, 3, 6, 6)])

    assert ["0.out_channels"] == list(found)
    torch.testing.assert_close(found["0.out_channels"], expected)


class OwnNorm(nn.Module):
    """Root mean square normalisation, as many language models write it."""

    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return self.weight * x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6)


class Stream(nn.Module):
    """A residual stream with three normalisations, and a block without any inside."""

    def __init__(self):
        super().__init__()
        self.enter = nn.Linear(5, 8)
        self.norms = nn.ModuleList([nn.LayerNorm(8), OwnNorm(8), nn.RMSNorm(8)])
        self.inner, self.outer = nn.Linear(8, 6), nn.Linear(6, 8)
        self.leave = nn.Linear(8, 3)

    def forward(self, x):
        x = self.norms[2](self.enter(x))
        x = x + self.outer(self.inner(self.norms[0](x)).relu())
        return self.leave(self.norms[1](x))


def test_scales_of_a_stream_are_summed():
    """
    Torch's own and the model's own; a size without a normalisation has no score.
    """
    model = seeded(Stream)
    expected = sum(share(norm.weight.abs()) for norm in model.norms)
    found = scores_of(BatchNormScale, model, [draw(4, 5)])

    assert ["enter.out_features"] == list(found)
    torch.testing.assert_close(found["enter.out_features"], expected)


def test_a_size_without_a_scale_keeps_its_order():
    """
    A search by scales moves the stream, and leaves the inner units where they are.
    """
    model = espalier.convert(seeded(Stream), inputs=draw(4, 5), config=FINE)
    before = model.inner.bias.detach().clone()
    stream = model.enter.bias.detach().clone()
    settings = {"progress": False, "importance": "bn_scale"}
    espalier.search(model, constraints={"params": "99%"}, score=lambda model: 0.0, config=settings)

    assert torch.equal(before, model.inner._parameters["bias"])
    assert not torch.equal(stream, model.enter._parameters["bias"])


def test_activations_are_those_that_the_next_layer_reads():
    """
    After the activation function, meaned over all rows of all batches, however many each has.
    """
    model = seeded(lambda: nn.Sequential(nn.Linear(5, 8), nn.GELU(), nn.Linear(8, 3)))
    data = [draw(4, 7, 5), draw(2, 7, 5, seed=2)]
    with torch.no_grad():
        read = torch.cat([model[1](model[0](batch)).flatten(0, 1) for batch in data])
    found = scores_of(Activation, model, data)

    torch.testing.assert_close(found["0.out_features"], share(read.double().abs().mean(0)))


def test_activations_of_channels():
    """
    Meaned over places of the picture.
    """
    model = seeded(
        lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 3))
    )
    data = [draw(2, 3, 6, 6), draw(2, 3, 6, 6, seed=2)]
    with torch.no_grad():
        read = torch.cat([model[:3](batch) for batch in data])
    found = scores_of(Activation, model, data)

    torch.testing.assert_close(found["0.out_channels"], share(read.double().abs().mean((0, 2, 3))))


def test_activations_of_a_stream():
    """
    Each layer that reads it has one say.
    """
    model, x = seeded(Stream), draw(4, 5)
    with torch.no_grad():
        stream = model.norms[2](model.enter(x))
        first = model.norms[0](stream)
        last = model.norms[1](stream + model.outer(model.inner(first).relu()))
    expected = sum(share(read.double().abs().mean(0)) for read in (first, last))
    found = scores_of(Activation, model, [x])

    torch.testing.assert_close(found["enter.out_features"], expected)


class Attention(nn.Module):
    """Attention with 4 heads in 2 groups."""

    def __init__(self):
        super().__init__()
        self.query, self.key = nn.Linear(5, 24), nn.Linear(5, 12)
        self.value, self.out = nn.Linear(5, 16), nn.Linear(32, 3)

    def mixed(self, x):
        q = self.query(x).unflatten(-1, (-1, self.size)).transpose(1, 2)
        k = self.key(x).unflatten(-1, (-1, self.size)).transpose(1, 2)
        v = self.value(x).unflatten(-1, (k.shape[1], -1)).transpose(1, 2)
        return F.scaled_dot_product_attention(q, k, v, enable_gqa=True).transpose(1, 2)

    size = 6

    def forward(self, x):
        return self.out(self.mixed(x).flatten(2))


def test_activations_of_heads():
    """
    Groups, queries of a group and values are seen where the output projection reads them;
    queries and keys, which no weight reads, where the projections give them.
    """
    model, x = seeded(Attention), draw(2, 3, 5)
    with torch.no_grad():
        mixed = model.mixed(x).unflatten(2, (2, 2)).double().abs()
        query, key = model.query(x).double().abs(), model.key(x).double().abs()
    found = scores_of(Activation, model, [x])
    expected = {
        (2, "groups"): share(mixed.mean((0, 1, 3, 4))),
        (2, "queries"): share(mixed.mean((0, 1, 2, 4))),
        (8, "values"): share(mixed.mean((0, 1, 2, 3))),
        (6, "keys"): sum(share(o.unflatten(2, (-1, 6)).mean((0, 1, 2))) for o in (query, key)),
    }

    assert found
    for vector in found.values():
        same = [key for key, own in expected.items() if own.shape == vector.shape]
        assert any(torch.allclose(vector, expected[key], rtol=1e-4) for key in same), same


@pytest.mark.parametrize(
    ("data", "inputs"),
    [([draw(4, 5)], draw(4, 5)), ([(draw(4, 5),)], (draw(4, 5),)), ([{"x": draw(4, 5)}], None)],
    ids=["tensor", "tuple", "dict"],
)
def test_without_a_loss_a_batch_is_what_the_model_is_called_with(data, inputs):
    """
    As inputs are given to ``convert``.
    """
    expected = scores_of(Activation, seeded(Stream), [draw(4, 5)])
    found = scores_of(Activation, seeded(Stream), data, loss=None, inputs=inputs)
    for name, vector in expected.items():
        torch.testing.assert_close(found[name], vector)


def test_a_batch_that_is_none():
    """
    The message says what to pass.
    """
    pair = (draw(4, 9), torch.zeros(4))
    with pytest.raises(ScoreError, match=r"batch 0 was given to the model.*Pass loss=function"):
        scores_of(Activation, seeded(Stream), [pair], loss=None, inputs=draw(4, 5))


@pytest.mark.parametrize("data", [[], iter(())], ids=["empty", "used up"])
def test_no_batch(data):
    """
    Nothing to see.
    """
    model = espalier.convert(seeded(Stream), inputs=draw(4, 5), config=FINE)
    settings = {"progress": False, "importance": "activation"}
    with pytest.raises(ScoreError, match="at least one batch"):
        espalier.search(
            model,
            constraints={"params": "50%"},
            score=lambda model: 0.0,
            data=data,
            config=settings,
        )
