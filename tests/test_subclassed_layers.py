"""Layers that a user derives from torch's, with a forward of their own."""

import copy
import pickle
import random

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import espalier
from espalier.dynamic import DynamicModule


FINE = {f"nn.{name}": {"feature_divisor": 1} for name in ("Linear", "Embedding", "LSTM", "GRU")}
FINE["nn.Conv2d"] = {"channel_divisor": 1}


class Linear(nn.Linear):
    def forward(self, x):
        return F.linear(x, self.weight / self.in_features**0.5, self.bias).relu()


class Conv(nn.Conv2d):
    def forward(self, x):
        weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        return F.conv2d(x, weight, self.bias, padding=1, groups=self.groups)


class Norm(nn.BatchNorm2d):
    def forward(self, x):
        return super().forward(x * 2).view(-1, self.num_features, *x.shape[2:])


class Table(nn.Embedding):
    def forward(self, index):
        return F.embedding(index, self.weight, sparse=self.sparse) * self.embedding_dim**0.5


class Lstm(nn.LSTM):
    def forward(self, x):
        return super().forward(x)[0]


class Gru(nn.GRU):
    def forward(self, x):
        out, last = super().forward(x)
        return out + last[-1]


class Attention(nn.MultiheadAttention):
    def forward(self, x):
        return super().forward(x, x, x, need_weights=False)[0]


class OwnLayout(nn.LSTM):
    """Says itself what the converter of its ancestor would say."""

    def flatten_parameters(self):
        self.flattened = True

    def forward(self, x):
        self.flatten_parameters()
        return super().forward(x)[0]


def sequences(*between):
    return nn.Sequential(nn.Linear(6, 8), *between, nn.Linear(8, 4))


def images(*between):
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), *between, nn.Conv2d(8, 4, 1))


SEQUENCE = torch.randn(5, 7, 6, generator=torch.Generator().manual_seed(0))
IMAGE = torch.randn(2, 3, 5, 5, generator=torch.Generator().manual_seed(0))
WORDS = torch.arange(10).view(2, 5)
MODELS = {
    "linear": (lambda: sequences(Linear(8, 9), Linear(9, 8)), SEQUENCE),
    "convolution": (lambda: images(Conv(8, 8, 3)), IMAGE),
    "grouped convolution": (lambda: images(Conv(8, 8, 3, groups=4)), IMAGE),
    "batch norm": (lambda: images(Norm(8)), IMAGE),
    "embedding": (lambda: nn.Sequential(Table(10, 8), nn.Linear(8, 4)), WORDS),
    "lstm": (lambda: sequences(Lstm(8, 8, num_layers=2)), SEQUENCE),
    "gru": (lambda: sequences(Gru(8, 8)), SEQUENCE),
    "attention": (lambda: sequences(Attention(8, 2)), SEQUENCE),
    "own layout": (lambda: sequences(OwnLayout(8, 8)), SEQUENCE),
}
#: Without the last: nobody tells it that it must not keep views of its weights.
COPIED = {name: case for name, case in MODELS.items() if name != "own layout"}


def converted(make, x):
    torch.manual_seed(0)
    model = espalier.convert(make().eval(), inputs=x, config=FINE)
    space = espalier.space(model)
    space.select(space.sample(random.Random(1)))
    return model


@pytest.mark.parametrize(("make", "x"), MODELS.values(), ids=MODELS)
def test_the_full_model_is_the_plain_one(make, x):
    """
    Bit by bit, for something that can be searched in the layer itself.
    """
    torch.manual_seed(0)
    model = make().eval()
    expected = model(x)
    espalier.convert(model, inputs=x, config=FINE)

    assert any(isinstance(m, DynamicModule) for m in model[1:-1] or model[:1])
    torch.testing.assert_close(model(x), expected, rtol=0, atol=0)


@pytest.mark.parametrize(("make", "x"), MODELS.values(), ids=MODELS)
def test_a_subnet_is_exported_as_it_was(make, x):
    """
    Its layers have their own classes again.
    """
    model = converted(make, x)
    expected = model(x)
    exported = espalier.export(model)

    assert [type(layer) for layer in make()] == [type(layer) for layer in exported]
    assert any(
        a.shape != b.shape for a, b in zip(exported.parameters(), make().parameters(), strict=True)
    )
    torch.testing.assert_close(exported(x), expected)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
@pytest.mark.parametrize(("make", "x"), COPIED.values(), ids=COPIED)
def test_a_subnet_that_ran_can_be_copied(make, x, copied):
    """
    With gradients on: what a layer keeps of a forward must not be in the way.
    """
    model = converted(make, x)
    expected = model(x)

    torch.testing.assert_close(copied(model)(x), expected)


def test_a_method_that_the_layer_overrides_is_the_one_that_runs():
    """
    No converter of an ancestor hides it.
    """
    make, x = MODELS["own layout"]
    model = converted(make, x)
    model(x)

    assert model[1].flattened
