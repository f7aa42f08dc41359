"""Linear layers keep every promise of a converter."""

import pytest
import torch
from torch import nn

import espalier
from espalier.testing import ConverterContract


#: Options of the layer by a name for them.
KINDS = {"plain": {}, "no bias": {"bias": False}}


class PlainSubclass(nn.Linear):
    """Somebody's own linear layer, which computes what the original computes."""


class TestLinear(ConverterContract):
    """The contract holds for any rank of input."""

    kinds = KINDS

    def make(self, **options):
        return nn.Linear(6, 8, **options)

    def inputs(self, layer):
        return (torch.randn(2, 3, layer.in_features),)


class TestUnbatched(TestLinear):
    """It holds for a single vector."""

    def inputs(self, layer):
        return (torch.randn(layer.in_features),)


class TestSubclass(TestLinear):
    """A subclass that shares ``forward`` is served, and comes back when it is exported."""

    def make(self, **options):
        return PlainSubclass(6, 8, **options)


@pytest.mark.parametrize(("axis", "name"), [(0, "out_features"), (1, "in_features")])
def test_each_feature_axis_shrinks_alone(axis, name):
    """
    Output and input features are hparams of their own.
    """
    layer = espalier.converters[nn.Linear].convert(nn.Linear(6, 8))
    layer.hparams[name].active = 5
    expected = [8, 6]
    expected[axis] = 5

    assert expected == list(layer.weight.shape)
    assert expected == [layer.out_features, layer.in_features]


def test_a_subclass_that_overrides_forward_has_no_converter():
    """
    Only what computes the same is served by a base's converter.
    """

    class Doubled(nn.Linear):
        def forward(self, x):
            return 2 * super().forward(x)

    assert espalier.converters.find(Doubled) is None
    assert "DynamicLinear" == espalier.converters.find(PlainSubclass).__name__
