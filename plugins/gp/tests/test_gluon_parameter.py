"""Parameters and dicts of them."""

import copy

import numpy as np
import pytest
import torch

from espalier_gp.gluon import (
    Constant,
    Context,
    DeferredInitializationError,
    GluonError,
    Normal,
    One,
    Parameter,
    Uniform,
    Zero,
    cpu,
    current_context,
    gpu,
)


def made(**kwargs):
    parameter = Parameter("w", **{"shape": (2, 3), "init": 0.5, **kwargs})
    parameter.initialize()
    return parameter


def backward(parameter, factor=1.0):
    (factor * parameter.data().square()).sum().backward()


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


# --- Types, places, copies. ---------------------------------------------------------------------


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


def test_each_context_has_a_copy():
    """
    In the order given; data is set in all.
    """
    parameter = Parameter("w", shape=(2,), init=1.0)
    parameter.initialize(ctx=["cpu", torch.device("meta")])
    assert [torch.device("cpu"), torch.device("meta")] == parameter.list_ctx()
    assert ["cpu", "meta"] == [one.device.type for one in parameter.list_data()]
    assert ["cpu", "meta"] == [one.device.type for one in parameter.list_grad()]
    assert "meta" == parameter.data("meta").device.type
    parameter.set_data([3.0, 4.0])
    assert [3.0, 4.0] == parameter.data(cpu()).tolist()
    with pytest.raises(GluonError, match=r"w: was initialized on cpu, meta, not on cuda:0"):
        parameter.data(gpu(0))


def test_what_is_read_is_that_of_the_current_context():
    """
    Of the first one, if the parameter is not there.
    """
    parameter = Parameter("w", shape=(2,), init=1.0)
    parameter.initialize(ctx=["meta", "cpu"])
    with Context("meta"):
        assert "meta" == parameter.data().device.type == parameter.grad().device.type
    assert "cpu" == parameter.data().device.type == parameter.grad().device.type
    with gpu(0):
        assert "meta" == parameter.data().device.type
    parameter.reset_ctx("meta")
    assert "meta" == parameter.data().device.type


@pytest.mark.parametrize("kind", ["cpu", "meta", "cuda"])
def test_no_number_is_number_0(kind):
    """
    Of each type of device; others are others.
    """
    assert Context(kind) == Context(f"{kind}:0") == Context(torch.device(kind, 0))
    assert Context(kind) != Context(f"{kind}:1")
    if kind != "cuda":
        parameter = Parameter("w", shape=(2,))
        parameter.initialize(ctx=kind)
        assert parameter.data() is parameter.data(f"{kind}:0")


def test_contexts_have_numbers():
    """
    As in the documentation of Gluon; the processor can hold several copies.
    """
    assert cpu() == cpu(0) == Context("cpu")
    assert gpu() == gpu(0) == Context("cuda")
    parameter = Parameter("w", shape=(2,), init=1.0)
    parameter.initialize(ctx=[cpu(0), cpu(1)])
    assert parameter.data(cpu(0)) is not parameter.data(cpu(1))


def test_a_device_that_is_missing_is_named():
    """
    And the parameter; what it had stays.
    """
    parameter = made()
    data = parameter.data()
    missing = gpu(torch.cuda.device_count())
    for refused in (
        lambda: parameter.initialize(ctx=missing, force_reinit=True),
        lambda: parameter.reset_ctx(missing),
    ):
        with pytest.raises(GluonError, match=r"w: can't be put on cuda:\d+: .*'cpu'"):
            refused()
    assert data is parameter.data()


def test_one_device_is_read_at_a_time():
    """
    What reads all is said.
    """
    parameter = Parameter("w", shape=(2,))
    parameter.initialize(ctx=["cpu", "meta"])
    for read in (parameter.data, parameter.grad):
        with pytest.raises(GluonError, match=r"w: is read on one device .*list_data"):
            read(["cpu", "meta"])


def test_contexts_can_be_changed():
    """
    To others, with what the first one holds.
    """
    parameter = made()
    parameter.set_data(7.0)
    parameter.reset_ctx(["meta", "cpu"])
    assert ["meta", "cpu"] == [str(one) for one in parameter.list_ctx()]
    parameter = Parameter("w", allow_deferred_init=True)
    parameter.initialize()
    parameter.reset_ctx("meta")
    assert [torch.device("meta")] == parameter.list_ctx()


def test_the_current_context_is_that_of_the_innermost_with():
    """
    The processor outside of all.
    """
    assert cpu() == current_context()
    with Context("meta"):
        assert Context("meta") == current_context()
        assert "meta" == made().data().device.type
        with cpu():
            assert "cpu" == made().data().device.type
    assert cpu() == current_context()


@pytest.mark.parametrize("ctx", [[], ["cpu", "cpu"], "nowhere", 3, [3], [3.5], [None]])
def test_contexts_that_are_none_are_refused(ctx):
    """
    With what came.
    """
    with pytest.raises(GluonError, match=r"ctx must name|a context must be"):
        Parameter("w", shape=(1,)).initialize(ctx=ctx)


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
