"""Rectifiers with learnt slopes keep every promise of a converter."""

import torch
from torch import nn

import espalier
from espalier.testing import ConverterContract


#: Options of the layer by a name for them.
KINDS = {"plain": {}, "started elsewhere": {"init": 0.5}}


class TestPReLU(ConverterContract):
    """The contract holds where every channel has its slope."""

    kinds = KINDS

    def make(self, **options):
        return nn.PReLU(6, **options)

    def inputs(self, layer):
        return (torch.randn(2, layer.num_parameters, 3),)

    def like(self, layer):
        return nn.PReLU(layer.num_parameters, init=layer.init)


def network(slopes):
    """Return a network of 64 channels, whose rectifier has so many *slopes*."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 64, 3), nn.PReLU(slopes), nn.Conv2d(64, 4, 3))


def test_slopes_go_with_their_channels():
    """
    The exported rectifier has a slope for each channel that stayed.
    """
    data, model = torch.randn(2, 3, 8, 8), network(64)
    espalier.convert(model, inputs=data)
    espalier.space(model).select({"0.out_channels": 32})
    expected = model(data)
    espalier.export(model)

    assert (32, (32,)) == (model[1].num_parameters, tuple(model[1].weight.shape))
    torch.testing.assert_close(model(data), expected)


def test_a_single_slope_stays_single():
    """
    It serves any number of channels.
    """
    data, model = torch.randn(2, 3, 8, 8), network(1)
    espalier.convert(model, inputs=data)
    espalier.space(model).select({"0.out_channels": 32})
    expected = model(data)
    espalier.export(model)

    assert (1, 32) == (model[1].num_parameters, model[2].in_channels)
    torch.testing.assert_close(model(data), expected)
