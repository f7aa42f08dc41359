"""What a model went through is kept with it, and repeated step by step."""

import copy
import random
import sys
import types

import pytest
import torch
from torch import nn

import espalier
from espalier import ModeDescriptor
from espalier.mode import ModeConfig, steps_of
from espalier.plugins import ModeOffer, PluginHost, installed, use_host
from espalier.testing import fake_source
from tests.models import FINE, Faithful, images, small_cnn


def convert(model, config=FINE):
    return espalier.convert(model, inputs=images(), config=config)


def select(model, seed):
    space = espalier.space(model)
    space.select(space.sample(random.Random(seed)))
    return model


def export(model, seed=0):
    return espalier.export(select(model, seed))


def search(model, seed):
    espalier.search(model, constraints={"flops": "80%"}, score=Faithful(model, images()))
    return model


#: Each stage continues the one before it. The second conversion leaves the first layer alone.
CHAIN = [
    ("converted", convert),
    ("selected", lambda m: select(m, 1)),
    ("exported", espalier.export),
    ("converted again", lambda m: convert(m, {**FINE, "nn.Conv2d": {"0": None}})),
    ("searched", lambda m: search(m, 2)),
    ("exported again", espalier.export),
    ("converted a third time", lambda m: convert(m, {**FINE, "nn.Conv2d": {"3": None}})),
    ("selected a third time", lambda m: select(m, 3)),
    ("exported a third time", espalier.export),
]


def restored(model, tmp_path, fresh):
    espalier.save(model, tmp_path / "net")
    return espalier.restore(fresh, tmp_path / "net")


@pytest.mark.parametrize("length", range(len(CHAIN) + 1))
def test_a_chain_of_steps_comes_back_at_every_stage(length, tmp_path):
    """
    However often it was converted and exported, outputs, space and steps are those of before.
    """
    model, x = small_cnn(), images()
    for _, step in CHAIN[:length]:
        model = step(model)
    fresh = restored(model, tmp_path, small_cnn(seed=9))

    assert torch.equal(model(x), fresh(x))
    assert [s.mode for s in steps_of(model)] == [s.mode for s in steps_of(fresh)]
    assert [s.config for s in steps_of(model)] == [s.config for s in steps_of(fresh)]
    assert [repr(m) for m in model.modules()] == [repr(m) for m in fresh.modules()]
    if "_espalier_supernet" in vars(model):
        space, other = espalier.space(model), espalier.space(fresh)
        assert {n: h.choices for n, h in space.items()} == {n: h.choices for n, h in other.items()}
        assert space.config() == other.config()


@pytest.mark.parametrize("length", range(len(CHAIN)))
def test_a_restored_model_goes_on_where_the_saved_one_would(length, tmp_path):
    """
    Saved and restored in the middle, the rest of the chain ends in the same bits.
    """
    model, x = small_cnn(), images()
    for _, step in CHAIN[:length]:
        model = step(model)
    fresh = restored(model, tmp_path, small_cnn(seed=9))
    for _, step in CHAIN[length:]:
        model, fresh = step(model), step(fresh)

    assert torch.equal(model(x), fresh(x))
    assert torch.equal(model(x), restored(fresh, tmp_path, small_cnn(seed=5))(x))


def test_what_a_step_needs_is_kept_when_the_next_one_begins(tmp_path):
    """
    Inputs, choices and the chosen sizes of a search stay on record after the export.
    """
    model = search(convert(small_cnn()), 0)
    config = espalier.space(model).config()
    first, second = steps_of(espalier.export(model))

    assert ("fastnas", "export") == (first.mode, second.mode)
    assert {"tensor": [4, 3, 8, 8], "dtype": "float32"} == first.metadata["inputs"]
    assert config == {n: held["active"] for n, held in first.metadata["hparams"].items()}
    assert first == steps_of(restored(model, tmp_path, small_cnn()))[0]


def test_an_order_that_was_enforced_is_kept(tmp_path):
    """
    The units that are active are those of the user's order, not the first ones.
    """
    model, x = convert(small_cnn()), images()
    space = espalier.space(model)
    order = torch.randperm(16, generator=torch.Generator().manual_seed(3))
    space["0.out_channels"].enforce_order(order)
    space.select({"0.out_channels": 6})
    fresh = restored(model, tmp_path, small_cnn(seed=9))

    assert torch.equal(order, espalier.space(fresh)["0.out_channels"].order)
    assert espalier.space(fresh)["3.out_channels"].order is None
    assert torch.equal(model(x), fresh(x))
    assert torch.equal(espalier.export(model)(x), espalier.export(fresh)(x))


class TestCopies:
    def test_a_copy_of_an_exported_model_has_no_steps(self, tmp_path):
        """
        A plain model has no place to carry them, but the copy is saved and restored like it.
        """
        model = export(convert(small_cnn()))
        copied = copy.deepcopy(model)

        assert ["fastnas", "export"] == [step.mode for step in steps_of(model)]
        assert [] == steps_of(copied)
        fresh = restored(copied, tmp_path, small_cnn(seed=9))
        assert torch.equal(model(images()), fresh(images()))
        assert [] == steps_of(fresh)

    def test_attributes_that_only_the_analysis_found_come_back(self, tmp_path):
        """
        A copy has no step that names them; they are told from the looks of the file.
        """
        torch.manual_seed(0)
        model, x = Heads().eval(), torch.randn(2, 5, 16)
        espalier.convert(model, inputs=x, config={"nn.Linear": {"feature_divisor": 1}})
        space = espalier.space(model)
        space.select(space.min())
        espalier.export(model)
        fresh = restored(copy.deepcopy(model), tmp_path, Heads().eval())

        assert model.heads < Heads().heads
        assert (model.heads, model.size) == (fresh.heads, fresh.size)
        assert torch.equal(model(x), fresh(x))

    def test_numbers_of_a_model_that_was_not_cut_are_left_alone(self, tmp_path):
        """
        What a plain model counts, or where it runs, is its own business.
        """
        saved, fresh = Heads(), Heads()
        saved.calls, fresh.rank = 7, 3
        restored(saved, tmp_path, fresh)

        assert 3 == fresh.rank
        assert not hasattr(fresh, "calls")

    def test_a_copy_of_a_converted_model_has_its_own(self):
        """
        Its steps are part of its search space, and go on apart from those of the original.
        """
        model = convert(small_cnn())
        copied = copy.deepcopy(model)
        espalier.export(copied)

        assert ["fastnas"] == [step.mode for step in steps_of(model)]
        assert ["fastnas", "export"] == [step.mode for step in steps_of(copied)]


class Heads(nn.Module):
    """Attention whose number of heads is known to nobody but its own forward."""

    def __init__(self):
        super().__init__()
        self.heads, self.size = 8, 4
        self.query, self.key, self.value = (nn.Linear(16, 32) for _ in range(3))
        self.out = nn.Linear(32, 16)

    def forward(self, x):
        batch, count, _ = x.shape
        split = (
            p(x).view(batch, count, self.heads, self.size).transpose(1, 2)
            for p in (self.query, self.key, self.value)
        )
        query, key, value = split
        mixed = (query @ key.transpose(2, 3)).softmax(-1) @ value
        return self.out(mixed.transpose(1, 2).reshape(batch, count, self.heads * self.size))


class AddingMode(ModeDescriptor):
    """Puts a layer behind the last: no search, no sizes, and a structure of its own."""

    name = "adding"
    config_class = ModeConfig

    def convert(self, model, config, inputs):
        self._add(model, len(model) - 1)

    def metadata(self, model):
        width = next(m.out_features for m in reversed(model) if hasattr(m, "out_features"))
        return {"place": len(model) - 2, "width": width}

    def restore(self, model, config, metadata):
        self._add(model, metadata["place"])

    def _add(self, model, place):
        assert place == len(model) - 1
        model.append(nn.Linear(model[place].out_features, 12))


class DoublingMode(ModeDescriptor):
    """Repeats every step on a converted model too: it searches sizes in a way of its own."""

    name = "doubling"

    def convert(self, model, config, inputs):
        super().convert(model, config, inputs)
        model.register_buffer("doubled", torch.ones(()))

    def restore(self, model, config, metadata):
        super().restore(model, config, metadata)


@pytest.fixture
def third_party():
    module = types.ModuleType("acme_modes")
    module.Adding, module.Doubling = AddingMode, DoublingMode
    sys.modules["acme_modes"] = module
    offers = [
        ModeOffer("adding", "acme_modes:Adding", follows=frozenset({"export"})),
        ModeOffer("doubling", "acme_modes:Doubling"),
    ]
    host = PluginHost([*installed(), fake_source("acme", espalier_modes=lambda: offers)])
    assert [] == host.problems
    with use_host(host):
        yield
    del sys.modules["acme_modes"]


def add(model):
    return espalier.convert(model, "adding", inputs=images())


def double(model):
    return espalier.convert(model, "doubling", inputs=images(), config=FINE)


OTHERS = {
    "after an export": [convert, export, add],
    "between exports": [convert, export, add, convert],
    "before an export": [convert, export, add, convert, export],
    "twice": [convert, export, add, convert, export, add],
    "a supernet of its own": [double],
    "a supernet of its own, exported": [double, export],
    "a supernet of its own, then ours": [double, export, convert],
    "a supernet of its own, then ours, exported": [double, export, convert, export],
}


@pytest.mark.usefixtures("third_party")
@pytest.mark.parametrize("steps", OTHERS.values(), ids=OTHERS)
def test_steps_of_a_third_party_are_repeated_wherever_they_stand(steps, tmp_path):
    """
    What a mode of another kind did to the model is not summed up in an export that follows.
    """
    model, x = small_cnn(), images()
    for step in steps:
        model = step(model)
    fresh = restored(model, tmp_path, small_cnn(seed=9))

    assert torch.equal(model(x), fresh(x))
    assert list(model.state_dict()) == list(fresh.state_dict())
    assert [s.mode for s in steps_of(model)] == [s.mode for s in steps_of(fresh)]


@pytest.mark.usefixtures("third_party")
def test_a_mode_that_is_not_installed_is_named(tmp_path):
    """
    The message says which step needs it.
    """
    model = add(export(convert(small_cnn())))
    espalier.save(model, tmp_path / "net")
    with (
        use_host(PluginHost(installed())),
        pytest.raises(espalier.EspalierError, match=r"steps\[2\].mode: No mode named 'adding'"),
    ):
        espalier.restore(small_cnn(), tmp_path / "net")
