"""What a dynamic module writes while it is small lands in the active part of the whole."""

import copy

import pytest
import torch
from torch import nn

from espalier.dynamic import DynamicModule, follows
from espalier.errors import ShapeError


FEATURES = {"features": follows("mean", axis=0)}
OUT_CHANNELS = {"out_channels": follows("weight", axis=0)}


class Centred(nn.Module):
    """Subtracts a running mean that every training step replaces by a new tensor."""

    def __init__(self, features):
        super().__init__()
        self.features = features
        self.scale = nn.Parameter(torch.ones(features))
        self.register_buffer("mean", torch.zeros(features))

    def forward(self, x):
        if self.training:
            self.mean = 0.5 * self.mean + 0.5 * x.mean(0)
            self.mean = self.mean + 1
        return (x - self.mean) * self.scale


class DynamicCentred(DynamicModule, Centred):
    sizes = FEATURES

    @classmethod
    def example_inputs(cls, module):
        return torch.empty(2, module.features, device="meta")


ORDERS = pytest.mark.parametrize("order", [None, [4, 1, 3, 0, 2]], ids=["prefix", "reordered"])


def small(order):
    """Return a layer of 5 features, 3 of them active, and which those are."""
    layer = DynamicCentred.convert(Centred(5))
    layer.hparams["features"].active = 3
    if order:
        layer.hparams["features"].enforce_order(torch.tensor(order))
    return layer, (order or list(range(5)))[:3]


@ORDERS
def test_an_assigned_buffer_changes_the_active_part(order):
    """
    ``self.mean = ...`` in a small module leaves the whole buffer as large as it was.
    """
    layer, kept = small(order)
    exported = copy.deepcopy(layer).export()
    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    for _ in range(2):
        torch.testing.assert_close(layer(x), exported(x))

    whole = layer.state_dict()["mean"]
    assert (5,) == tuple(whole.shape)
    torch.testing.assert_close(whole[kept], exported.mean)
    assert sorted(set(range(5)) - set(kept)) == (whole == 0).nonzero().flatten().tolist()


@ORDERS
def test_a_buffer_can_be_assigned_from_outside(order):
    """
    What has the active shape goes to the active units, what has the whole shape replaces it all.
    """
    layer, kept = small(order)
    layer.mean = torch.tensor([1.0, 2.0, 3.0])
    assert [1.0, 2.0, 3.0] == layer.state_dict()["mean"][kept].tolist()
    layer.mean = torch.arange(5.0)

    assert [0.0, 1.0, 2.0, 3.0, 4.0] == layer.state_dict()["mean"].tolist()


def test_a_buffer_of_another_shape_is_refused():
    """
    The message says both shapes.
    """
    layer, _ = small(None)
    with pytest.raises(ShapeError, match=r"mean .* \(5,\); got \(4,\)"):
        layer.mean = torch.zeros(4)


def test_a_parameter_is_assigned_whole():
    """
    A parameter of the active size would leave nothing for the other sizes.
    """
    layer, _ = small(None)
    with pytest.raises(ShapeError, match=r"scale .* \(5,\); got \(3,\)"):
        layer.scale = nn.Parameter(torch.zeros(3))
    layer.scale = nn.Parameter(torch.full((5,), 2.0))

    assert [2.0, 2.0, 2.0] == layer.scale.tolist()


def test_a_state_dict_may_be_assigned():
    """
    ``load_state_dict(assign=True)`` replaces the whole tensors of a small module.
    """
    layer, _ = small(None)
    state = {"scale": torch.arange(5.0), "mean": torch.ones(5)}
    layer.load_state_dict(state, assign=True)

    assert [0.0, 1.0, 2.0] == layer.scale.tolist()
    assert [1.0] * 3 == layer.mean.tolist()


@pytest.mark.parametrize(
    ("layer", "memory_format"),
    [
        (nn.Conv2d(6, 8, 3), torch.channels_last),
        (nn.Conv3d(6, 8, 3), torch.channels_last_3d),
    ],
    ids=["2d", "3d"],
)
def test_export_keeps_the_memory_format(layer, memory_format):
    """
    A weight whose channels come last in memory stays so.
    """

    class DynamicConv(DynamicModule, type(layer)):
        sizes = OUT_CHANNELS

    dynamic = DynamicConv.convert(layer.to(memory_format=memory_format))
    dynamic.hparams["out_channels"].active = 4
    exported = dynamic.export()

    assert 4 == len(exported.weight)
    assert exported.weight.is_contiguous(memory_format=memory_format)
