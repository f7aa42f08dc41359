"""Parameters and dicts of them."""

import copy

import numpy as np
import pytest
import torch

from espalier_gp.gluon import (
    Constant,
    DeferredInitializationError,
    GluonError,
    Normal,
    One,
    Parameter,
    Uniform,
    Zero,
)

from .parameters import backward, made


# --- Beginning. ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("init", "expected"),
    [
        ("zeros", 0.0),
        ("ones", 1.0),
        (Zero(), 0.0),
        (One, 1.0),
        (0.25, 0.25),
        (Constant(2), 2.0),
        (np.array([[1.0], [1.0]]), 1.0),
        (np.ones, 1.0),
        (torch.zeros, 0.0),
        (lambda shape: np.full(shape, 3.0), 3.0),
    ],
)
def test_it_begins_as_told(init, expected):
    """
    By name, number, array, class or function.
    """
    assert made(init=init).data().eq(expected).all()


@pytest.mark.parametrize("init", [np.random.uniform, np.random.default_rng(0).normal])
def test_functions_of_numpy_are_given_a_size(init):
    """
    As in the documentation of Gluon.
    """
    assert made(init=init).data().unique().numel() == 6


@pytest.mark.parametrize(
    ("init", "most"), [(Uniform(0.5), 0.5), ("uniform", 0.07), ("normal", 0.1), (None, 0.07)]
)
def test_random_beginnings_are_small_and_repeatable(init, most):
    """
    Torch's generator decides.
    """
    found = []
    for _ in range(2):
        torch.manual_seed(3)
        found.append(made(init=init).data().detach())
    assert torch.equal(*found)
    assert 0 < found[0].abs().max() <= most


def test_a_generator_can_be_given():
    """
    Then the global one is not touched.
    """
    before = torch.get_rng_state()
    one, other = (
        made(init=Normal(1.0, torch.Generator().manual_seed(1))).data() for _ in range(2)
    )
    assert torch.equal(one, other)
    assert torch.equal(before, torch.get_rng_state())


def test_what_is_told_last_counts_most():
    """
    The call's own initializer, then the parameter's, then the default.
    """
    for init, own, default, expected in (
        (1.0, 2.0, 3.0, 1.0),
        (None, 2.0, 3.0, 2.0),
        (None, None, 3.0, 3.0),
    ):
        parameter = Parameter("w", shape=(1,), init=own)
        parameter.initialize(init=init, default_init=default)
        assert expected == parameter.data().item()


def test_a_beginning_can_be_set():
    """
    As it is given when the parameter is made; what is none is refused.
    """
    parameter = Parameter("w", shape=(2,), init="zeros")
    parameter.init = "ones"
    parameter.initialize()
    assert parameter.data().eq(1.0).all()
    with pytest.raises(GluonError, match="init must be an Initializer"):
        parameter.init = "xavier"


def test_data_is_made_anew_on_demand_only():
    """
    Otherwise it is kept.
    """
    parameter = made()
    parameter.set_data(9.0)
    parameter.initialize()
    assert parameter.data().eq(9.0).all()
    parameter.initialize(force_reinit=True)
    assert parameter.data().eq(0.5).all()


def test_without_a_beginning_there_is_no_data():
    """
    What is to be called is said.
    """
    parameter = Parameter("w", shape=(2,))
    for read in (
        parameter.data,
        parameter.grad,
        parameter.list_data,
        parameter.list_ctx,
        lambda: parameter.set_data([1.0, 2.0]),
    ):
        with pytest.raises(GluonError, match="w: has no data before `initialize` is called"):
            read()
    parameter.zero_grad()


@pytest.mark.parametrize("shape", [(0, 3), None])
def test_an_unknown_shape_can_be_told_later(shape):
    """
    The beginning is made up for then; reading before is an error of its own.
    """
    parameter = Parameter("w", shape=shape, init=2.0, allow_deferred_init=True)
    parameter.initialize()
    with pytest.raises(DeferredInitializationError, match="w: has no data before its shape"):
        parameter.data()
    assert [torch.device("cpu")] == parameter.list_ctx()
    parameter.shape = (4, 3)
    assert parameter.data().shape == (4, 3)
    assert parameter.data().eq(2.0).all()


def test_data_tells_an_unknown_shape():
    """
    As setting the shape does.
    """
    parameter = Parameter("w", shape=(0, 2), allow_deferred_init=True)
    parameter.initialize()
    parameter.set_data(np.ones((3, 2)))
    assert parameter.data().eq(1.0).all()


def test_an_unknown_shape_is_refused_otherwise():
    """
    With what to do.
    """
    with pytest.raises(GluonError, match=r"w: the shape must be known .*allow_deferred_init"):
        Parameter("w", shape=(0, 2)).initialize()


def test_data_that_is_refused_tells_no_shape():
    """
    That is known only once it is taken.
    """
    parameter = Parameter("w", allow_deferred_init=True)
    with pytest.raises(GluonError, match="before `initialize`"):
        parameter.set_data(np.ones(3))
    assert parameter.shape is None


@pytest.mark.parametrize("data", ["x", None, [1.0, "x"], [[1.0], [1.0, 2.0]], object()])
def test_data_that_is_no_array_is_refused(data):
    """
    With the parameter and what came.
    """
    parameter = made()
    with pytest.raises(GluonError, match=r"w: data must be a number or an array .* got "):
        parameter.set_data(data)
    assert parameter.data().eq(0.5).all()


def test_data_keeps_its_precision():
    """
    Numbers and lists are not rounded to torch's default type.
    """
    parameter = Parameter("w", shape=(1,))
    parameter.initialize()
    for data in (0.1, [0.1]):
        parameter.set_data(data)
        assert 0.1 == parameter.data().item()


@pytest.mark.parametrize("wrong", [(3, 3), (2,), (2, 3, 1)])
def test_a_known_shape_stays(wrong):
    """
    Whether set as such, or by data.
    """
    for parameter in (made(), Parameter("w", shape=(2, 3))):
        with pytest.raises(GluonError, match="w: the shape"):
            parameter.shape = wrong
    with pytest.raises(GluonError, match="w: the shape"):
        made().set_data(np.zeros(wrong))


# --- Types, copies. -----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", np.float32, np.dtype("float32"), torch.float32])
def test_types_are_told_in_any_way(dtype):
    """
    It is float64 if nothing is said.
    """
    assert torch.float64 == made().data().dtype
    assert torch.float32 == made(dtype=dtype).data().dtype
    parameter = made()
    parameter.dtype = dtype
    assert torch.float32 == parameter.dtype == parameter.data().dtype == parameter.grad().dtype


def test_a_cast_keeps_the_gradient():
    """
    In the new type.
    """
    parameter = made()
    backward(parameter)
    parameter.cast("float32")
    assert parameter.grad().eq(1.0).all()


def test_a_deep_copy_shares_nothing():
    """
    Neither data nor gradients.
    """
    parameter = made()
    other = copy.deepcopy(parameter)
    other.set_data(8.0)
    backward(other)
    assert parameter.data().eq(0.5).all()
    assert parameter.grad().eq(0.0).all()
    assert other.grad().eq(16.0).all()


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"grad_req": "overwrite"}, "w: grad_req must be one of 'write', 'add', 'null'"),
        ({"shape": (-1, 2)}, "w: a shape must be whole numbers"),
        ({"shape": 2.5}, "w: a shape must be whole numbers"),
        ({"dtype": "int32"}, "dtype must be of floating-point numbers"),
        ({"dtype": "float"}, "dtype must be of floating-point numbers|^$"),
        ({"lr_mult": "1"}, "w: lr_mult must be a number"),
        ({"wd_mult": float("nan")}, "w: wd_mult must be a number"),
        ({"init": "xavier"}, "init must be an Initializer"),
        ({"init": lambda shape: "x"}, "w: the initial value must be a number or an array"),
        ({"init": ["x"]}, "w: the initial value must be a number or an array"),
        ({"init": np.zeros(5)}, r"w: the initial value must broadcast to the shape \(2, 3\)"),
        ({"stype": "csr"}, "w: stype must be 'default', got 'csr'"),
        ({"grad_stype": "row_sparse"}, "w: grad_stype must be 'default'"),
    ],
)
def test_bad_arguments_are_refused(kwargs, message):
    """
    The parameter, the rule, and what came.
    """
    if kwargs == {"dtype": "float"}:
        assert torch.float32 == made(**kwargs).dtype  # as torch.float is
        return
    with pytest.raises(GluonError, match=message):
        made(**kwargs)
