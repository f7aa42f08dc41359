"""Bilinear layers keep every promise of a converter."""

import torch
from torch import nn

import espalier
from espalier.testing import ConverterContract


#: Options of the layer by a name for them.
KINDS = {"plain": {}, "no bias": {"bias": False}}


class TestBilinear(ConverterContract):
    """The contract holds with and without a bias."""

    kinds = KINDS

    def make(self, **options):
        return nn.Bilinear(3, 4, 5, **options)

    def inputs(self, layer):
        return (torch.randn(2, 3, layer.in1_features), torch.randn(2, 3, layer.in2_features))


class Scorer(nn.Module):
    """Compares two hidden layers of one input."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.left, self.right = nn.Linear(6, 32), nn.Linear(6, 64)
        self.compare, self.head = nn.Bilinear(32, 64, 64), nn.Linear(64, 3)

    def forward(self, x):
        return self.head(self.compare(self.left(x).tanh(), self.right(x).tanh()))


def test_inputs_and_outputs_shrink_apart():
    """
    Each of the three sizes is an hparam, named after the layer that makes it.
    """
    data, model = torch.randn(2, 6), Scorer()
    rules = {f"torch.nn.{name}": {"*": {"feature_divisor": 8}} for name in ("Linear", "Bilinear")}
    espalier.convert(model, inputs=data, config=rules)
    chosen = {"left.out_features": 8, "right.out_features": 16, "compare.out_features": 24}
    espalier.space(model).select(chosen)
    expected = model(data)
    espalier.export(model)

    assert (24, 8, 16) == tuple(model.compare.weight.shape)
    assert (8, 16, 24) == (
        model.compare.in1_features,
        model.compare.in2_features,
        model.compare.out_features,
    )
    torch.testing.assert_close(model(data), expected)
