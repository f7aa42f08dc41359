"""Instance normalisations keep every promise of a converter."""

import pytest
import torch
from torch import nn

import espalier
from espalier.testing import ConverterContract


#: Options of the layer by a name for them.
KINDS = {
    "plain": {},
    "affine": {"affine": True},
    "tracked": {"track_running_stats": True},
    "both": {"affine": True, "track_running_stats": True, "momentum": 0.3},
}


def only(*names):
    return {name: KINDS[name] for name in names}


class _InstanceNorm(ConverterContract):
    layer_type = nn.InstanceNorm1d
    extents = (3,)

    kinds = KINDS

    def make(self, **options):
        return self.layer_type(6, **options)

    def inputs(self, layer):
        return (torch.randn(4, layer.num_features, *self.extents),)


class TestInstanceNorm1d(_InstanceNorm):
    """The contract holds for sequences."""


class TestInstanceNorm2d(_InstanceNorm):
    """It holds for images."""

    layer_type = nn.InstanceNorm2d
    extents = (3, 2)
    kinds = only("affine", "tracked")


class TestInstanceNorm3d(_InstanceNorm):
    """It holds for volumes."""

    layer_type = nn.InstanceNorm3d
    extents = (3, 2, 2)
    kinds = only("plain", "both")


class TestUnbatched(_InstanceNorm):
    """It holds for a single image."""

    layer_type = nn.InstanceNorm2d
    kinds = only("plain", "both")

    def inputs(self, layer):
        return (torch.randn(layer.num_features, 3, 2),)


@pytest.mark.parametrize("shape", [(2, 3, 5, 5), (3, 5, 5)], ids=["batch", "single"])
def test_channels_are_found_without_a_tensor_that_carries_them(shape):
    """
    A layer without scale and statistics follows the channels that reach it, batched or not.
    """
    model = nn.Sequential(nn.Conv2d(3, 8, 1), nn.InstanceNorm2d(8), nn.Conv2d(8, 3, 1))
    x = torch.randn(shape)
    espalier.convert(model, inputs=x, config={"nn.Conv2d": {"channel_divisor": 1}})
    espalier.space(model).select({"0.out_channels": 3})
    expected = model(x)
    espalier.export(model)

    assert 3 == model[1].num_features
    torch.testing.assert_close(model(x), expected)
