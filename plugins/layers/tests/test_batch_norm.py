"""Batch normalisations keep every promise of a converter."""

import pytest
import torch
from torch import nn

import espalier
from espalier.testing import ConverterContract


#: Options of the layer by a name for them.
KINDS = {
    "plain": {},
    "not affine": {"affine": False},
    "not tracked": {"track_running_stats": False},
    "bare": {"affine": False, "track_running_stats": False},
    "cumulative": {"momentum": None, "eps": 0.1},
}


def only(*names):
    return {name: KINDS[name] for name in names}


class _BatchNorm(ConverterContract):
    layer_type = nn.BatchNorm1d
    extents = ()

    kinds = KINDS

    def make(self, **options):
        return self.layer_type(6, **options)

    def inputs(self, layer):
        return (torch.randn(4, layer.num_features, *self.extents),)


class TestBatchNorm1d(_BatchNorm):
    """The contract holds for vectors."""


class TestSequences(_BatchNorm):
    """It holds for sequences."""

    extents = (3,)
    kinds = only("plain", "bare")


class TestBatchNorm2d(_BatchNorm):
    """It holds for images."""

    layer_type = nn.BatchNorm2d
    extents = (3, 2)
    kinds = only("plain", "not tracked")


class TestBatchNorm3d(_BatchNorm):
    """It holds for volumes."""

    layer_type = nn.BatchNorm3d
    extents = (3, 2, 2)
    kinds = only("plain", "not affine")


class TestSyncBatchNorm(_BatchNorm):
    """It holds in a single process, where torch synchronises nothing."""

    layer_type = nn.SyncBatchNorm
    extents = (3,)
    kinds = only("plain", "not affine", "bare")


@pytest.mark.parametrize("order", [None, [5, 0, 3, 1, 4, 2]], ids=["prefix", "reordered"])
def test_several_training_steps_write_only_the_active_statistics(order):
    """
    The active units' statistics are those of the full layer; the others keep what they had.
    """
    plain, layer = nn.BatchNorm2d(6), nn.BatchNorm2d(6)
    espalier.converters[nn.BatchNorm2d].convert(layer)
    hparam = layer.hparams["num_features"]
    hparam.active = 3
    if order:
        hparam.enforce_order(torch.tensor(order))
    kept = (order or list(range(6)))[:3]
    lost = sorted(set(range(6)) - set(kept))
    for _ in range(3):
        x = torch.randn(4, 6, 3, 3)
        plain(x)
        layer(x[:, kept])

    for name in ("running_mean", "running_var"):
        expected, actual = plain.state_dict()[name], layer.state_dict()[name]
        torch.testing.assert_close(actual[kept], expected[kept])
        torch.testing.assert_close(getattr(layer, name), expected[kept])
        assert torch.equal(nn.BatchNorm2d(6).state_dict()[name][lost], actual[lost])
    assert 3 == layer.num_batches_tracked


def test_statistics_survive_a_forward_that_fails():
    """
    An input that does not fit leaves the buffers as they were, and the layer usable.
    """
    layer = espalier.converters[nn.BatchNorm2d].convert(nn.BatchNorm2d(6))
    hparam = layer.hparams["num_features"]
    hparam.active = 3
    hparam.enforce_order(torch.tensor([5, 0, 3, 1, 4, 2]))
    expected = layer.state_dict()["running_mean"].clone()
    with pytest.raises(ValueError, match="4D"):
        layer(torch.randn(4, 3))

    assert torch.equal(expected, layer.state_dict()["running_mean"])
    layer(torch.randn(4, 3, 2, 2) + 9)
    assert [0, 3, 5] == layer.state_dict()["running_mean"].nonzero().flatten().tolist()
