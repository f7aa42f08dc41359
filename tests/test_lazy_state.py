"""Models that make something in their first call and keep it."""

import random

import pytest
import torch
from torch import nn

import espalier


class Masked(nn.Module):
    """Attention weights with a causal mask that is made when it is needed first."""

    def __init__(self):
        super().__init__()
        self.mask = None
        self.query, self.key, self.value = (nn.Linear(6, 12) for _ in range(3))
        self.out = nn.Linear(12, 3)

    def forward(self, x):
        if self.mask is None:
            self.mask = torch.ones(x.shape[1], x.shape[1]).tril().log()
        weights = self.query(x) @ self.key(x).transpose(1, 2) + self.mask
        return self.out(weights.softmax(-1) @ self.value(x))


class Rescaled(nn.Module):
    """Changes its weights in place in its first call."""

    def __init__(self):
        super().__init__()
        self.is_rescaled = False
        self.first = nn.Linear(6, 12)
        self.last = nn.Linear(12, 3)

    def forward(self, x):
        if not self.is_rescaled:
            with torch.no_grad():
                self.first.weight.div_(2)
            self.is_rescaled = True
        return self.last(self.first(x).relu())


@pytest.mark.parametrize("kind", [Masked, Rescaled])
def test_a_model_that_has_run_can_still_be_exported(kind):
    """
    What was made by a call after the conversion does not stand in the way.
    """
    torch.manual_seed(0)
    model, x = kind().eval(), torch.randn(2, 5, 6)
    espalier.convert(model, inputs=x, config={"nn.Linear": {"feature_divisor": 1}})
    model(x)
    space = espalier.space(model)
    space.select(space.sample(random.Random(1)))
    expected = model(x)
    espalier.export(model)

    torch.testing.assert_close(expected, model(x), rtol=0, atol=1e-6)


class Flattening(nn.Module):
    """Views its weight as a row, and another one expert by expert."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(6, 12)
        self.weight = nn.Parameter(torch.randn(3, 12))
        self.experts = nn.Parameter(torch.randn(2, 3, 12))

    def forward(self, x):
        hidden = self.first(x)
        total = self.weight.view(-1).square().mean()
        mixed = sum(hidden @ self.experts[i].view(3, -1).t() for i in range(2))
        return mixed + hidden @ self.weight.t() + total


def test_a_weight_that_is_viewed_can_be_cut():
    """
    The active part lies in one piece where the forward takes that for granted.
    """
    torch.manual_seed(0)
    model, x = Flattening(), torch.randn(2, 6)
    espalier.convert(model, inputs=x, config={"nn.Linear": {"feature_divisor": 1}})
    espalier.space(model).select({"first.out_features": 5})
    expected = model(x)
    expected.sum().backward()

    assert model.weight.is_contiguous()
    assert (3, 12) == tuple(model._parameters["weight"].grad.shape)
    espalier.export(model)
    torch.testing.assert_close(expected, model(x), rtol=0, atol=1e-5)


class Counting(nn.Module):
    """Adds what it sees to a buffer, in place, while it is trained."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(6, 12)
        self.last = nn.Linear(12, 3)
        self.register_buffer("total", torch.zeros(12))

    def forward(self, x):
        hidden = self.first(x)
        if self.training:
            self.total += hidden.detach().mean(0)
        return self.last(hidden + self.total)


def test_a_buffer_that_is_added_to_can_be_cut():
    """
    The sum lands in the active part of the buffer, and nowhere else.
    """
    torch.manual_seed(0)
    model, x = Counting(), torch.randn(4, 6)
    espalier.convert(model, inputs=x, config={"nn.Linear": {"feature_divisor": 1}})
    espalier.space(model).select({"first.out_features": 5})
    model.train()(x)

    expected = torch.zeros(12)
    expected[:5] = model.first(x).mean(0)
    torch.testing.assert_close(expected, model._buffers["total"])
