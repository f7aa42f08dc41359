"""Every tensor that a model holds comes back as it was."""

import copy

import pytest
import torch
from torch import nn

import espalier
from tests.models import FINE, images, small_cnn


def through(model, fresh, tmp_path):
    espalier.save(model, tmp_path / "net")
    return espalier.restore(fresh, tmp_path / "net")


class Holder(nn.Module):
    """One buffer of any kind."""

    def __init__(self, value, *, persistent=True):
        super().__init__()
        self.register_buffer("value", value, persistent=persistent)


DTYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.complex64]
DTYPES += [torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool]
DTYPES += [torch.uint16, torch.uint32, torch.uint64, torch.float8_e4m3fn, torch.float8_e5m2]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,), (5, 3)], ids=str)
def test_every_dtype_and_shape(dtype, shape, tmp_path):
    """
    Bit for bit, those without elements and without axes included.
    """
    value = (torch.randn(shape, generator=torch.Generator().manual_seed(0)) * 9).abs().to(dtype)
    fresh = through(Holder(value), Holder(torch.zeros(shape)), tmp_path)

    assert (dtype, value.shape) == (fresh.value.dtype, fresh.value.shape)
    if value.numel():
        raw = (t.flatten().view(torch.uint8) for t in (value, fresh.value))
        assert torch.equal(*raw)


def test_a_dtype_that_the_file_has_no_word_for(tmp_path):
    """
    The message names the tensor, the rule and what came; nothing is written.
    """
    with pytest.raises(
        espalier.EspalierError, match=r"value: the dtype must be .*got torch.complex128"
    ):
        espalier.save(Holder(torch.zeros(2, dtype=torch.complex128)), tmp_path / "net")

    assert [] == list(tmp_path.iterdir())


ORDERS = {
    "channels last": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
    "transposed": torch.randn(4, 5).t(),
    "permuted": torch.randn(2, 3, 4).permute(1, 2, 0),
    "a part": torch.randn(6, 6)[1:5, ::2],
    "expanded": torch.randn(1, 3).expand(4, 3),
    "negative view": torch.randn(3, dtype=torch.complex64).conj().imag,
    "conjugate": torch.randn(3, dtype=torch.complex64).conj(),
}


@pytest.mark.parametrize("value", ORDERS.values(), ids=ORDERS)
def test_every_memory_format(value, tmp_path):
    """
    Values always; strides where the tensor is dense, for the kernel that runs depends on them.
    """
    fresh = through(Holder(value), Holder(torch.zeros(value.shape)), tmp_path)

    assert torch.equal(value, fresh.value)
    dense = sorted(value.stride()) == sorted(torch.empty_like(value).stride())
    if dense and value.numel() == value.untyped_storage().nbytes() // value.itemsize:
        assert value.stride() == fresh.value.stride()


class Scaled(nn.Module):
    """A scale for each hidden unit that the state dict does not have."""

    def __init__(self, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.inner, self.head = nn.Linear(4, 16), nn.Linear(16, 2)
        self.register_buffer("scale", torch.rand(16) + 0.5, persistent=False)

    def forward(self, x):
        return self.head(self.inner(x).relu() * self.scale)


@pytest.mark.parametrize("on", ["cpu", "meta"])
def test_a_buffer_that_is_not_persistent_and_was_cut(on, tmp_path):
    """
    The fresh model has the whole one, and can't know which part was kept.
    """
    model, x = Scaled(), torch.randn(3, 4)
    espalier.convert(model, inputs=x, config={"nn.Linear": {"feature_divisor": 1}})
    space = espalier.space(model)
    space["inner.out_features"].enforce_order(torch.arange(16).flip(0))
    space.select({"inner.out_features": 5})
    espalier.export(model)
    fresh = through(model, Scaled(seed=1).to(on), tmp_path)

    assert (5,) == tuple(fresh.scale.shape)
    assert torch.equal(model(x), fresh(x))
    assert "scale" not in fresh.state_dict()


def test_a_buffer_that_the_first_call_makes(tmp_path):
    """
    A fresh model has none yet, and makes it when it is called.
    """
    model = nn.Linear(4, 2)
    model.register_buffer("cache", torch.ones(3), persistent=False)
    fresh = through(model, nn.Linear(4, 2), tmp_path)

    assert torch.equal(model.weight, fresh.weight)
    assert not hasattr(fresh, "cache")


def test_tied_in_the_model_and_two_in_the_file(tmp_path):
    """
    Of two values for one tensor nobody picks one.
    """
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    espalier.save(model, tmp_path / "net")
    fresh = copy.deepcopy(model)
    fresh[1].weight = fresh[0].weight
    before = {name: value.clone() for name, value in fresh.state_dict().items()}
    with pytest.raises(espalier.EspalierError, match="are one tensor in Sequential and two"):
        espalier.restore(fresh, tmp_path / "net")

    assert all(torch.equal(before[n], value) for n, value in fresh.state_dict().items())


class Extra(nn.Linear):
    def get_extra_state(self):
        return torch.ones(3)

    def set_extra_state(self, state):
        pass


def test_a_state_that_could_not_be_given_back(tmp_path):
    """
    What is no parameter and no buffer is refused when it is saved, not lost when it is restored.
    """
    with pytest.raises(espalier.EspalierError, match=r"these are not: _extra_state"):
        espalier.save(Extra(2, 2), tmp_path / "net")


def test_a_tensor_that_fits_keeps_its_place(tmp_path):
    """
    An optimiser that was given the parameters of the fresh model goes on with them.
    """
    model, fresh = small_cnn(), small_cnn(seed=3)
    held = [(p, p.data_ptr()) for p in fresh.parameters()]
    through(model, fresh, tmp_path)

    assert held == [(p, p.data_ptr()) for p in fresh.parameters()]


def test_flags_of_the_fresh_model_stay(tmp_path):
    """
    Which parameters learn, and which modules train, the file does not decide.
    """
    model = espalier.convert(small_cnn(), inputs=images(), config=FINE)
    espalier.space(model).select(espalier.space(model).min())
    espalier.export(model)
    fresh = small_cnn(seed=3)
    fresh[0].weight.requires_grad_(False)
    fresh[1].train()
    through(model, fresh, tmp_path)

    assert [n for n, p in fresh.named_parameters() if not p.requires_grad] == ["0.weight"]
    assert [n for n, m in fresh.named_modules() if m.training] == ["1"]


def test_the_file_is_read_by_safetensors_alone(tmp_path):
    """
    An exported model is loaded into one of its sizes without Espalier.
    """
    from safetensors.torch import load_model

    model = espalier.convert(small_cnn(), inputs=images(), config=FINE)
    espalier.space(model).select(espalier.space(model).min())
    espalier.export(model)
    espalier.save(model, tmp_path / "net")
    other = copy.deepcopy(model)
    for parameter in other.parameters():
        nn.init.zeros_(parameter)

    assert (set(), []) == load_model(other, tmp_path / "net")
    assert torch.equal(model(images()), other(images()))
