"""Group normalisation keeps every promise of a converter."""

import torch
from torch import nn

import espalier
from espalier.testing import ConverterContract


#: Options of the layer by a name for them.
KINDS = {
    "2 groups": {"num_groups": 2},
    "1 group": {"num_groups": 1},
    "as many as channels": {"num_groups": 6},
    "not affine": {"num_groups": 3, "affine": False, "eps": 0.1},
    "1 group, not affine": {"num_groups": 1, "affine": False},
}


def only(*names):
    return {name: KINDS[name] for name in names}


class TestGroupNorm(ConverterContract):
    """The contract holds for any number of groups."""

    kinds = KINDS

    def make(self, **options):
        return nn.GroupNorm(num_channels=6, **options)

    def inputs(self, layer):
        return (torch.randn(2, layer.num_channels, 3, 2),)


class TestSequences(TestGroupNorm):
    """It holds for sequences."""

    kinds = only("2 groups")

    def inputs(self, layer):
        return (torch.randn(2, layer.num_channels, 3),)


def test_whole_groups_are_dropped_without_a_change_to_the_others():
    """
    A group's output depends on that group alone.
    """
    plain, x = nn.GroupNorm(3, 6), torch.randn(2, 6, 4)
    nn.init.uniform_(plain.weight)
    expected = plain(x)[:, [4, 5, 0, 1]]
    layer = espalier.converters[nn.GroupNorm].convert(plain)
    groups = layer.hparams["num_groups"]
    groups.active = 2
    groups.enforce_order(torch.tensor([2, 0, 1]))

    assert (4, 2) == (layer.num_channels, layer.num_groups)
    torch.testing.assert_close(layer(x[:, [4, 5, 0, 1]]), expected)
