"""Convolutions keep every promise of a converter."""

import pytest
import torch
from torch import nn

import espalier
from espalier.testing import ConverterContract


#: Options of the layer by a name for them.
KINDS = {
    "plain": {},
    "no bias": {"bias": False, "stride": 2},
    "2 groups": {"groups": 2, "out_channels": 8, "padding": 1},
    "depthwise": {"groups": 6, "out_channels": 6},
    "depthwise, 2 each": {"groups": 6, "out_channels": 12, "bias": False},
    "same": {"padding": "same", "dilation": 2},
    "valid": {"padding": "valid"},
    "1 in": {"in_channels": 1},
}


def only(*names):
    return {name: KINDS[name] for name in names}


class _Conv(ConverterContract):
    layer_type = nn.Conv1d
    spatial = 1
    extent = 7

    kinds = KINDS

    def make(self, **options):
        given = {"in_channels": 6, "out_channels": 4, "kernel_size": 3, **options}
        return self.layer_type(**given)

    def inputs(self, layer):
        return (torch.randn(2, layer.in_channels, *[self.extent] * self.spatial),)


class TestConv1d(_Conv):
    """The contract holds for sequences, with every way to pad."""

    kinds = KINDS | {
        "reflect": {"padding": 4, "padding_mode": "reflect", "kernel_size": 1},
        "replicate": {"padding": 9, "padding_mode": "replicate", "groups": 2},
        "circular": {"padding": 5, "padding_mode": "circular", "kernel_size": 2},
        "same, circular": {"padding": "same", "padding_mode": "circular", "kernel_size": 5},
    }


class TestConv2d(_Conv):
    """It holds for images, with kernels that are not square."""

    layer_type = nn.Conv2d
    spatial = 2
    kinds = only("plain", "2 groups", "depthwise, 2 each") | {
        "uneven": {"kernel_size": (1, 3), "stride": (2, 1), "padding": (0, 2), "dilation": (1, 2)},
        "reflect": {"padding": (3, 1), "padding_mode": "reflect", "kernel_size": (1, 5)},
        "same, reflect": {"padding": "same", "padding_mode": "reflect", "groups": 2},
        "replicate": {"padding": 4, "padding_mode": "replicate"},
        "circular": {"padding": 3, "padding_mode": "circular", "groups": 6, "out_channels": 6},
    }


class TestConv3d(_Conv):
    """It holds for volumes."""

    layer_type = nn.Conv3d
    spatial = 3
    extent = 5
    kinds = only("plain", "depthwise") | {
        "2 groups, no bias": {"groups": 2, "bias": False, "kernel_size": (1, 2, 3)},
        "reflect": {"padding": (0, 1, 2), "padding_mode": "reflect"},
        "circular": {"padding": 2, "padding_mode": "circular", "kernel_size": 1},
    }


class TestUnbatched(_Conv):
    """It holds for a single image."""

    layer_type = nn.Conv2d
    kinds = only("plain", "2 groups")

    def inputs(self, layer):
        return (torch.randn(layer.in_channels, 7, 7),)


def convert(layer):
    return espalier.converters[type(layer)].convert(layer)


@pytest.mark.parametrize("name", ["in_channels", "out_channels"])
def test_channels_of_an_ungrouped_convolution_are_set_by_their_own_names(name):
    """
    Without groups, each number of channels is an hparam; the group count is none.
    """
    layer = convert(nn.Conv2d(6, 6, 3))
    layer.hparams[name].active = 3

    assert 3 == getattr(layer, name)
    assert {"in_channels", "out_channels"} == set(layer.search_space_spec())
    assert not layer.hparams["groups"].is_configurable


def test_a_depthwise_convolution_has_one_hparam():
    """
    Input channels, output channels and groups are the same units.
    """
    layer = convert(nn.Conv2d(6, 6, 3, groups=6))
    [hparam] = layer.search_space_spec().values()
    hparam.active = 4

    assert (4, 4, 4) == (layer.in_channels, layer.out_channels, layer.groups)
    assert hparam is layer.hparams["out_channels"] is layer.hparams["in_channels"]


@pytest.mark.parametrize("order", [None, [1, 0]], ids=["prefix", "reordered"])
def test_a_smaller_grouped_convolution_is_the_full_one_with_the_rest_at_zero(order):
    """
    Whole groups, inputs of each group and outputs of each group are cut where they stand.
    """
    plain = nn.Conv1d(6, 8, 3, groups=2)
    weight, bias = plain.weight.detach().clone(), plain.bias.detach().clone()
    layer = convert(plain)
    space = layer.search_space_spec()
    space["groups"].active, space["in_channels.1"].active, space["out_channels.1"].active = 1, 2, 3
    if order:
        space["groups"].enforce_order(torch.tensor(order))
    group = order[0] if order else 0
    x = torch.randn(2, 2, 5)
    full = torch.zeros(2, 6, 5)
    full[:, 3 * group : 3 * group + 2] = x
    expected = nn.functional.conv1d(full, weight, bias, groups=2)[:, 4 * group : 4 * group + 3]

    torch.testing.assert_close(layer(x), expected)
    torch.testing.assert_close(layer.export()(x), expected)
    assert (2, 3, 1) == (layer.in_channels, layer.out_channels, layer.groups)


@pytest.mark.parametrize("name", ["in_channels", "out_channels"])
def test_active_slices_of_grouped_channels_tell_where_they_stand(name):
    """
    Channel ``i`` of group ``g`` stands at ``g`` times the channels of a group, plus ``i``.
    """
    layer = convert(nn.Conv1d(8, 8, 3, groups=2))
    layer.search_space_spec()[f"{name}.1"].active = 3

    assert [0, 1, 2, 4, 5, 6] == layer.hparams[name].active_slice.tolist()


def test_a_dynamic_layer_shows_its_active_sizes():
    """
    The representation follows the hparams, although torch fills it from the layer's own dict.
    """
    layer = espalier.converters[nn.Conv2d].convert(nn.Conv2d(4, 8, 3))
    layer.hparams["out_channels"].active = 5

    assert "DynamicConv2d(4, 5, kernel_size=(3, 3), stride=(1, 1), dynamic)" == repr(layer)
