"""Transposed convolutions keep every promise of a converter."""

import pytest
import torch
from torch import nn

import espalier
from espalier.testing import ConverterContract


#: Options of the layer by a name for them.
KINDS = {
    "plain": {},
    "no bias": {"bias": False, "stride": 2, "output_padding": 1},
    "2 groups": {"groups": 2, "padding": 1, "dilation": 2},
    "2 groups, no bias": {"groups": 2, "bias": False},
    "depthwise": {"groups": 6, "out_channels": 6, "stride": 3, "output_padding": 2},
    "depthwise, 2 each": {"groups": 6, "out_channels": 12},
    "padded": {"kernel_size": 1, "padding": 1},
    "1 out": {"out_channels": 1},
}


def only(*names):
    return {name: KINDS[name] for name in names}


class _ConvTranspose(ConverterContract):
    layer_type = nn.ConvTranspose1d
    spatial = 1

    kinds = KINDS

    def make(self, **options):
        given = {"in_channels": 6, "out_channels": 4, "kernel_size": 3, **options}
        return self.layer_type(**given)

    def inputs(self, layer):
        return (torch.randn(2, layer.in_channels, *[4] * self.spatial),)


class TestConvTranspose1d(_ConvTranspose):
    """The contract holds for sequences."""


class TestConvTranspose2d(_ConvTranspose):
    """It holds for images."""

    layer_type = nn.ConvTranspose2d
    spatial = 2
    kinds = only("plain", "no bias", "2 groups") | {
        "uneven": {"kernel_size": (1, 3), "stride": (2, 1), "padding": (0, 2)},
    }


class TestConvTranspose3d(_ConvTranspose):
    """It holds for volumes."""

    layer_type = nn.ConvTranspose3d
    spatial = 3
    kinds = only("plain", "2 groups", "depthwise")


class TestUnbatched(_ConvTranspose):
    """It holds for a single sequence."""

    kinds = only("plain", "2 groups")

    def inputs(self, layer):
        return (torch.randn(layer.in_channels, 4),)


class TestOutputSize(_ConvTranspose):
    """It holds when the caller names the output's extents."""

    layer_type = nn.ConvTranspose2d
    kinds = only() | {"plain": {"stride": 2}, "2 groups": {"stride": 2, "groups": 2}}

    def inputs(self, layer):
        return torch.randn(2, layer.in_channels, 4, 4), [10, 9]


@pytest.mark.parametrize("order", [None, [1, 0]], ids=["prefix", "reordered"])
def test_a_smaller_grouped_one_is_the_full_one_with_the_rest_at_zero(order):
    """
    Whole groups, inputs of each group and outputs of each group are cut where they stand.
    """
    plain = nn.ConvTranspose1d(6, 8, 3, groups=2)
    weight, bias = plain.weight.detach().clone(), plain.bias.detach().clone()
    layer = espalier.converters[nn.ConvTranspose1d].convert(plain)
    space = layer.search_space_spec()
    space["groups"].active, space["in_channels.1"].active, space["out_channels.1"].active = 1, 2, 3
    if order:
        space["groups"].enforce_order(torch.tensor(order))
    group = order[0] if order else 0
    x = torch.randn(2, 2, 5)
    full = torch.zeros(2, 6, 5)
    full[:, 3 * group : 3 * group + 2] = x
    whole = nn.functional.conv_transpose1d(full, weight, bias, groups=2)
    expected = whole[:, 4 * group : 4 * group + 3]

    torch.testing.assert_close(layer(x), expected)
    torch.testing.assert_close(layer.export()(x), expected)
    assert (2, 3, 1) == (layer.in_channels, layer.out_channels, layer.groups)


@pytest.mark.parametrize("name", ["in_channels", "out_channels"])
def test_active_slices_of_grouped_channels_tell_where_they_stand(name):
    """
    Channel ``i`` of group ``g`` stands at ``g`` times the channels of a group, plus ``i``.
    """
    layer = espalier.converters[nn.ConvTranspose1d].convert(nn.ConvTranspose1d(8, 8, 3, groups=2))
    layer.search_space_spec()[f"{name}.1"].active = 3

    assert [0, 1, 2, 4, 5, 6] == layer.hparams[name].active_slice.tolist()
