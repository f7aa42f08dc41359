"""Dicts of parameters."""

import numpy as np
import pytest
import torch

from espalier_gp.gluon import GluonError, ParameterDict, Uniform


def test_a_dict_makes_and_finds():
    """
    Names have its prefix; asked for again, a parameter is the same.
    """
    params = ParameterDict("net_")
    weight = params.get("weight", shape=(2, 0), lr_mult=2.0)
    assert "net_weight" == weight.name
    assert weight is params.get("weight", shape=(0, 5), lr_mult=2.0)
    assert (2, 5) == weight.shape
    assert [("net_weight", weight)] == list(params.items())
    assert ["net_weight"] == list(params.keys())
    assert [weight] == list(params.values())
    assert "net_" == params.prefix


@pytest.mark.parametrize(
    "kwargs",
    [
        {"shape": (3, 3)},
        {"shape": (2,)},
        {"dtype": "float32"},
        {"grad_req": "null"},
        {"lr_mult": 3},
        {"wrong": 1},
        {"shape": 2.5},
        {"init": "ones"},
        {"init": lambda shape: shape},
        {"differentiable": False},
        {"allow_deferred_init": True},
        {"shape": (2, 3), "grad_stype": "csr"},
    ],
)
def test_a_parameter_that_is_another_is_refused(kwargs):
    """
    The message says which.
    """
    params = ParameterDict("net_")
    params.get("weight", shape=(2, 3), init="zeros")
    with pytest.raises(GluonError, match="net_weight: "):
        params.get("weight", **kwargs)


@pytest.mark.parametrize(
    "init",
    [
        lambda: "zeros",
        lambda: 0.5,
        lambda: np.ones(2),
        lambda: torch.ones(2, requires_grad=True),
        lambda: Uniform(0.5, torch.Generator()),
        lambda: lambda shape: torch.ones(shape) / 2,
        lambda: np.random.uniform,
        lambda: None,
    ],
)
def test_what_is_asked_for_once_more_agrees(init):
    """
    Whether or not it is the same object, for a block that shares makes its arguments anew.
    """
    params = ParameterDict()
    found = [
        params.get("w", shape=2, init=init(), differentiable=False, grad_req="write")
        for _ in range(2)
    ]
    assert found[0] is found[1]


def test_what_is_not_asked_for_agrees():
    """
    As are arguments that are None; a size may be a number of NumPy's.
    """
    params = ParameterDict()
    weight = params.get("w", shape=(2,), init="zeros")
    assert weight is params.get("w", shape=np.int64(2))
    assert weight is params.get("w", shape=None, init=None)


def test_a_parameter_that_is_refused_stays_as_it_is():
    """
    An unknown dimension is not told by who asks for another type.
    """
    params = ParameterDict()
    weight = params.get("w", shape=(0, 2))
    with pytest.raises(GluonError, match=r"w: has dtype=torch.float64, .* 'float32'"):
        params.get("w", shape=(3, 2), dtype="float32")
    assert (0, 2) == weight.shape


def test_arguments_have_names():
    """
    One that a parameter does not have is told with the nearest, and nothing is made.
    """
    params = ParameterDict("net_")
    with pytest.raises(GluonError, match=r"net_w: .* no argument 'shpae'. Did you mean 'shape'"):
        params.get("w", shpae=(2,))
    with pytest.raises(GluonError, match=r"net_w: .* must be named, .*got \(2, 3\)"):
        params.get("w", (2, 3))
    assert [] == list(params)


def test_a_shared_dict_is_looked_in_first():
    """
    What it does not have is made, and is not its.
    """
    first = ParameterDict("net_")
    weight = first.get("weight", shape=(1,))
    second = ParameterDict("net_", shared=first)
    assert weight is second.get("weight")
    bias = second.get("bias", shape=(1,))
    assert ["net_weight", "net_bias"] == list(second)
    assert "net_bias" not in first
    assert bias.shape == (1,)


def test_an_update_takes_all_or_nothing():
    """
    Two parameters of one name are refused.
    """
    first, second = ParameterDict("a_"), ParameterDict("b_")
    first.get("x", shape=(1,))
    second.get("y", shape=(1,))
    first.update(second)
    assert ["a_x", "b_y"] == list(first)
    third = ParameterDict("")
    third.get("new", shape=(1,))
    third.get("a_x", shape=(1,))
    with pytest.raises(GluonError, match="two parameters are named 'a_x'"):
        first.update(third)
    assert ["a_x", "b_y"] == list(first)


def test_a_missing_name_is_told_with_the_nearest():
    """
    As a KeyError, too.
    """
    params = ParameterDict("net_")
    params.get("weight", shape=(1,))
    for kind in (GluonError, KeyError):
        with pytest.raises(kind, match=r"no parameter is named 'net_wieght'.*net_weight"):
            params["net_wieght"]


def test_attributes_are_set_for_all():
    """
    Those that can be.
    """
    params = ParameterDict()
    for name in "ab":
        params.get(name, shape=(1,))
    params.setattr("init", "ones")
    params.initialize(init=2.0)
    assert all(one.data().eq(1.0).all() for one in params.values())
    params.setattr("grad_req", "null")
    params.setattr("lr_mult", 0.5)
    assert {("null", 0.5)} == {(one.grad_req, one.lr_mult) for one in params.values()}
    with pytest.raises(GluonError, match=r"must be one of grad_req, .* got 'momentum'"):
        params.setattr("momentum", 1)


def test_a_dict_speaks_for_all():
    """
    Beginning, clearing, moving, and where they are.
    """
    params = ParameterDict()
    parameter = params.get("a", shape=(2,))
    params.initialize(init=2.0, ctx=["cpu", "meta"])
    assert [torch.device("cpu"), torch.device("meta")] == params.list_ctx()
    parameter.data().square().sum().backward()
    assert parameter.grad().eq(4.0).all()
    params.zero_grad()
    assert parameter.grad().eq(0.0).all()
    params.reset_ctx("cpu")
    assert [torch.device("cpu")] == params.list_ctx()
    params.cast("float32")
    assert torch.float32 == parameter.dtype
    assert "a (shape=(2,)" in repr(params)
