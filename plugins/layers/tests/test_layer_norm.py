"""Layer normalisation keeps every promise of a converter."""

import torch
from torch import nn

import espalier
from espalier.testing import ConverterContract


#: Options of the layer by a name for them.
KINDS = {
    "plain": {},
    "no bias": {"bias": False},
    "not affine": {"elementwise_affine": False, "eps": 0.1},
    "2 axes": {"normalized_shape": (4, 6)},
    "2 axes, no bias": {"normalized_shape": (4, 6), "bias": False},
    "2 axes, not affine": {"normalized_shape": (4, 6), "elementwise_affine": False},
    "3 axes, one of 1": {"normalized_shape": [3, 1, 5]},
}


def only(*names):
    return {name: KINDS[name] for name in names}


class TestLayerNorm(ConverterContract):
    """The contract holds for any number of axes."""

    kinds = KINDS

    def make(self, **options):
        return nn.LayerNorm(**{"normalized_shape": 6, **options})

    def inputs(self, layer):
        return (torch.randn(2, 3, *layer.normalized_shape),)


class TestUnbatched(TestLayerNorm):
    """It holds for a single sample."""

    kinds = only("plain", "2 axes")

    def inputs(self, layer):
        return (torch.randn(*layer.normalized_shape),)


def test_each_axis_shrinks_alone():
    """
    The shape is a tuple of hparams, each with its own name.
    """
    layer = espalier.converters[nn.LayerNorm].convert(nn.LayerNorm((4, 6)))
    layer.hparams["normalized_shape.1"].active = 5

    assert (4, 5) == layer.normalized_shape == layer.weight.shape
    assert {"normalized_shape.0", "normalized_shape.1"} == set(layer.search_space_spec())
