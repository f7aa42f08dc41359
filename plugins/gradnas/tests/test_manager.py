"""Masks by hand: what the manager of one adds up."""

import pytest
import torch
from torch import nn

from espalier_gradnas import GradientDataManager


def test_the_mask_is_ones_and_takes_gradients():
    """
    Of the shape that was asked for, where the model is and of its dtype.
    """
    mask = GradientDataManager((2, 3), nn.Linear(4, 4, dtype=torch.float64)).mask

    assert torch.equal(torch.ones(2, 3, dtype=torch.float64), mask)
    assert mask.requires_grad
    assert mask.is_leaf


def test_the_score_adds_squares_and_not_derivatives():
    """
    Derivatives of opposite signs in two batches do not cancel.
    """
    data = GradientDataManager((3,), nn.Linear(1, 1))
    for gradient in ([1.0, -2.0, 0.0], [-1.0, 3.0, 0.0]):
        data.mask.grad = torch.tensor(gradient)
        data.process_gradient()

    assert [2.0, 13.0, 0.0] == data.score.tolist()


def test_gradients_are_reduced_before_they_are_squared():
    """
    Two positions of one unit are one mask on it.
    """
    data = GradientDataManager((4,), nn.Linear(1, 1), lambda g: g.reshape(2, 2).sum(1))
    data.mask.grad = torch.tensor([1.0, -1.0, 2.0, 3.0])
    data.process_gradient()

    assert [0.0, 25.0] == data.score.tolist()


def test_a_gradient_is_processed_once():
    """
    It is taken away, so a batch in which the mask did not take part adds nothing.
    """
    data = GradientDataManager((2,), nn.Linear(1, 1))
    data.mask.grad = torch.tensor([1.0, 2.0])
    data.process_gradient()
    data.process_gradient()

    assert data.mask.grad is None
    assert [1.0, 4.0] == data.score.tolist()


def test_without_gradients_the_score_is_zero():
    """
    With one number for each unit all the same.
    """
    data = GradientDataManager((4,), nn.Linear(1, 1), lambda g: g.reshape(2, 2).sum(1))

    assert [0.0, 0.0] == data.score.tolist()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_squares_are_added_in_double_precision(dtype):
    """
    What underflows in the dtype of the model does not in the score.
    """
    data = GradientDataManager((1,), nn.Linear(1, 1, dtype=dtype))
    data.mask.grad = torch.tensor([1e-4], dtype=dtype)
    data.process_gradient()

    assert data.score.item() == pytest.approx(1e-8, rel=0.02)


def test_a_model_without_parameters():
    """
    There the mask has torch's own defaults.
    """
    mask = GradientDataManager((2,), nn.ReLU()).mask

    assert torch.get_default_dtype() is mask.dtype
