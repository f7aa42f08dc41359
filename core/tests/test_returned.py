"""How far what a model returns has moved."""

import itertools

import pytest
import torch
from torch import nn

from espalier.searching.returned import Returned


class Scaled(nn.Module):
    """Returns its input times a factor, in a structure."""

    def __init__(self, factor, shape="tensor"):
        super().__init__()
        self.factor, self.shape = factor, shape

    def forward(self, x):
        out = x * self.factor
        return {"tensor": out, "dict": {"logits": out, "index": out.argmax(-1)}}[self.shape]


def returned(model, *inputs):
    """Return what *model* returned for each of *inputs*."""
    found = Returned()
    with found.watched(model):
        for x in inputs:
            model(x)
    model(torch.ones(1))  # not watched any more
    return found


X = torch.randn(50, 7, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("shape", ["tensor", "dict"])
@pytest.mark.parametrize("batches", [1, 3])
def test_it_is_the_squared_distance_over_the_variance(shape, batches):
    """
    Of floating-point numbers, over all calls together.
    """
    inputs = X.chunk(batches)
    base = returned(Scaled(1.0, shape), *inputs).calls
    expected = float((0.1 * X.double()).square().mean() / X.double().var(correction=0))

    assert pytest.approx(expected, rel=1e-5) == returned(Scaled(0.9, shape), *inputs).deviation(
        base
    )
    assert 0.0 == returned(Scaled(1.0, shape), *inputs).deviation(base)


def test_of_much_evenly_spaced_numbers_are_taken():
    """
    As many of each call as are kept, whatever its size.
    """
    wide = torch.arange(100_000.0).reshape(10, -1)
    [kept] = returned(Scaled(1.0), wide).calls

    assert 512 < len(kept) <= 1024
    assert {kept[1]} == {b - a for a, b in itertools.pairwise(kept)}


@pytest.mark.parametrize(
    "other",
    [returned(Scaled(0.9)), returned(Scaled(0.9), X, X), returned(Scaled(0.9), X[:9])],
    ids=["not called", "called twice", "other inputs"],
)
def test_what_was_called_otherwise_is_not_compared(other):
    """
    Nor is anything compared with nothing.
    """
    assert other.deviation(returned(Scaled(1.0), X).calls) is None
    assert other.deviation([]) is None


def test_numbers_that_are_none_are_not_compared():
    """
    A subnet that returns nan has moved by no number.
    """
    base = returned(Scaled(1.0), X).calls

    assert returned(Scaled(float("nan")), X).deviation(base) is None
    assert returned(Scaled(1.0), X).deviation(returned(Scaled(0.0), X).calls) is None
