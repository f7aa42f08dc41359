"""Devices that parameters are on."""

import pytest
import torch

from espalier_gp.gluon import Context, GluonError, Parameter, cpu, current_context, gpu


def made(**kwargs):
    parameter = Parameter("w", **{"shape": (2, 3), "init": 0.5, **kwargs})
    parameter.initialize()
    return parameter


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
        with pytest.raises(GluonError, match=r"w: can't be put on cuda:\d+\. .*'cpu'"):
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
