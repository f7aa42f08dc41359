"""Gradients of parameters."""

import gc
import weakref

import pytest
import torch

from espalier_gp.gluon import GluonError

from .parameters import backward, made


def test_a_gradient_is_there_from_the_beginning():
    """
    And is 0.
    """
    assert made().grad().eq(0.0).all()


def test_write_keeps_the_last_gradient():
    """
    Each backward pass writes over the one before.
    """
    parameter = made(grad_req="write")
    for factor in (1.0, 5.0):
        backward(parameter, factor)
        assert parameter.grad().eq(factor).all()


def test_write_adds_within_a_pass():
    """
    A parameter that is used twice has the sum of both.
    """
    parameter = made(grad_req="write")
    (parameter.data().sum() + 2.0 * parameter.data().sum()).backward()
    assert parameter.grad().eq(3.0).all()


def test_add_adds_until_it_is_cleared():
    """
    By `zero_grad`.
    """
    parameter = made(grad_req="add")
    backward(parameter)
    backward(parameter, 2.0)
    assert parameter.grad().eq(3.0).all()
    parameter.zero_grad()
    assert parameter.grad().eq(0.0).all()


def test_null_has_no_gradient():
    """
    Nothing is computed for it, and reading it says what to do.
    """
    parameter = made(grad_req="null")
    assert not parameter.data().requires_grad
    with pytest.raises(GluonError, match=r"w: has no gradient.*'null'. Set it to 'write'"):
        parameter.grad()
    parameter.zero_grad()


def test_the_request_can_be_changed():
    """
    Before and after it has data, which stays.
    """
    parameter = made(grad_req="null")
    parameter.set_data(4.0)
    parameter.grad_req = "add"
    backward(parameter)
    backward(parameter)
    assert parameter.grad().eq(16.0).all()
    parameter.grad_req = "write"
    backward(parameter)
    assert parameter.grad().eq(8.0).all()
    parameter.grad_req = "null"
    assert not parameter.data().requires_grad


def test_what_is_not_differentiable_has_no_gradient():
    """
    Whatever is requested.
    """
    assert "null" == made(differentiable=False, grad_req="write").grad_req


@pytest.mark.parametrize("request_", ["write", "add"])
def test_autograd_leaves_the_gradient_alone(request_):
    """
    `torch.autograd.grad` reaches the data, and what a pass recorded is kept.
    """
    parameter = made(grad_req=request_)
    backward(parameter, 3.0)
    (found,) = torch.autograd.grad(parameter.data().sum(), parameter.data())
    assert found.eq(1.0).all()
    assert parameter.grad().eq(3.0).all()


@pytest.mark.parametrize("request_", ["write", "add"])
def test_a_gradient_that_is_held_is_the_next_one_too(request_):
    """
    It is the buffer that each pass fills.
    """
    parameter = made(grad_req=request_)
    held = parameter.grad()
    backward(parameter, 2.0)
    assert held is parameter.grad()
    assert held.eq(2.0).all()


def test_a_gradient_can_be_differentiated():
    """
    The pass that does so writes over it, and a later one again.
    """
    parameter = made(grad_req="write")
    with pytest.warns(UserWarning, match="create_graph=True"):
        parameter.data().pow(3).sum().backward(create_graph=True)
    parameter.grad().square().sum().backward()
    assert parameter.grad().eq(36.0 * 0.5**3).all()
    backward(parameter)
    assert parameter.grad().eq(1.0).all()


def test_a_parameter_that_is_dropped_is_freed():
    """
    At once: its hook does not hold it.
    """
    parameter = made(grad_req="write")
    backward(parameter)
    held = weakref.ref(parameter.data())
    gc.disable()
    try:
        del parameter
        assert held() is None
    finally:
        gc.enable()


def test_a_request_that_is_the_same_changes_nothing():
    """
    Neither the tensor nor what is recorded.
    """
    parameter = made(grad_req="write")
    data = parameter.data()
    backward(parameter, 3.0)
    parameter.grad_req = "write"
    assert data is parameter.data()
    assert parameter.grad().eq(3.0).all()


def test_an_optimizer_keeps_the_data_when_the_request_changes():
    """
    The tensor is the same whatever is requested.
    """
    parameter = made()
    optimizer = torch.optim.SGD([parameter.data()], lr=1.0)
    for request in ("null", "add", "write"):
        parameter.grad_req = request
    parameter.data().sum().backward()
    optimizer.step()
    assert parameter.data().eq(-0.5).all()


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_a_parameter_is_made_anywhere(mode):
    """
    Where torch records nothing, too.
    """
    with mode():
        parameter = made()
    for _ in range(2):
        backward(parameter, 2.0)
    assert parameter.grad().eq(2.0).all()
