"""Importance by gradients, as every importance, and by hand."""

import pytest
import torch
from torch import nn

import espalier
from espalier.importance import estimate
from espalier.testing import ImportanceContract
from espalier_gradnas import GradientBinarySearcher, GradientDataManager
from espalier_gradnas.estimators import MaskGradient, Taylor

from .networks import FINE, draw, seeded, task_on


class TestMaskGradient(ImportanceContract):
    def make(self):
        return MaskGradient


class TestTaylor(ImportanceContract):
    def make(self):
        return Taylor


class Doubling(nn.Linear):
    """A layer that somebody else masks."""


def make():
    return seeded(lambda: nn.Sequential(Doubling(6, 8), nn.ReLU(), nn.Linear(8, 3)))


def loss(model, batch):
    return (model(batch) - batch[:, :3]).square().mean()


@pytest.mark.parametrize(("kind", "power"), [(Taylor, 1), (MaskGradient, 2)])
@pytest.mark.parametrize("managed", [False, True])
def test_derivatives_are_added_up_by_their_power(kind, power, managed, monkeypatch):
    """
    Absolute values or squares, batch by batch, also where a third party brings the mask.
    """

    def setup(module):
        data = GradientDataManager((module.out_features,), module)
        return data, module.register_forward_hook(lambda _m, _i, out: out * data.mask)

    if managed:
        monkeypatch.setitem(GradientBinarySearcher.SETUP_GRADIENT_FUNC, Doubling, setup)
    model, data = make(), [draw(8, 6, seed=seed) for seed in range(3)]
    expected = torch.zeros(8, dtype=torch.float64)
    for batch in data:
        mask = torch.ones(8, dtype=torch.float64, requires_grad=True)
        own = loss(lambda x, mask=mask: model[2](model[1](model[0](x) * mask)), batch)
        expected += torch.autograd.grad(own, mask)[0].abs() ** power
    espalier.convert(model, "gradnas", inputs=data[0], config=FINE)
    [found] = estimate(task_on(model, loss, data), kind()).values()

    torch.testing.assert_close(found, expected, rtol=1e-9, atol=0)
