"""Root-mean-square normalisation keeps every promise of a converter."""

import torch
from torch import nn

import espalier
from espalier.testing import ConverterContract


#: Options of the layer by a name for them.
KINDS = {
    "plain": {},
    "not affine": {"elementwise_affine": False, "eps": 0.1},
    "2 axes": {"normalized_shape": (4, 6)},
    "2 axes, not affine": {"normalized_shape": (4, 6), "elementwise_affine": False},
}


class TestRMSNorm(ConverterContract):
    """The contract holds for any number of axes, with a scale and without."""

    kinds = KINDS

    def make(self, **options):
        return nn.RMSNorm(**{"normalized_shape": 6, **options})

    def inputs(self, layer):
        return (torch.randn(2, 3, *layer.normalized_shape),)


def test_a_norm_without_a_scale_follows_its_input():
    """
    Nothing but ``normalized_shape`` says its size, and that is enough.
    """
    torch.manual_seed(0)
    data = torch.randn(2, 6)
    norm = nn.RMSNorm(64, elementwise_affine=False)
    model = nn.Sequential(nn.Linear(6, 64), norm, nn.Linear(64, 4))
    espalier.convert(model, inputs=data)
    espalier.space(model).select({"0.out_features": 32})
    expected = model(data)
    espalier.export(model)

    assert ((32,), 32) == (model[1].normalized_shape, model[2].in_features)
    torch.testing.assert_close(model(data), expected)
