"""Importance as a choice of both modes."""

import random

import pytest
import torch

import espalier
from espalier.errors import ScoreError, UnknownPluginError
from espalier.importance import UnitScores
from espalier.plugins import ImportanceOffer, PluginHost, installed, use_host
from espalier.spaces.importance import Importance
from espalier.testing import fake_source
from tests.models import FINE, Faithful, images, small_cnn


MODES = ["fastnas", "gradnas"]
NAMES = ["activation", "bn_scale", "l1", "l2", "mask_gradient", "random", "taylor"]
DEFAULTS = {"fastnas": "l2", "gradnas": "mask_gradient"}


def loss(model, batch):
    return (model(batch) - 1).square().mean()


SCORE = Faithful(small_cnn(), images())


def searched(model, *, budget="60%", given=None, **settings):
    given = {"loss": loss, "data": [images(), 2 * images()]} if given is None else given
    return espalier.search(
        model,
        constraints={"flops": budget},
        score=SCORE,
        config={"progress": False, **settings},
        **given,
    )


def converted(mode):
    return espalier.convert(small_cnn(), mode, inputs=images(), config=FINE)


def assert_same(model, other):
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name]), name


def test_all_are_offered():
    """
    By name, each with a summary.
    """
    assert set(NAMES) <= set(espalier.importances)
    assert all(offer.summary for offer in espalier.importances.offers())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES)
def test_every_mode_takes_every_importance(mode, name):
    """
    What it finds keeps to the budget, and what is exported runs.
    """
    model = converted(mode)
    result = searched(model, importance=name)
    scored = [UnitScores.known(hparam)() is not None for hparam in espalier.space(model).values()]
    exported = espalier.export(model)

    assert any(scored)
    assert result.metrics["flops"] <= result.constraints["flops"]
    assert result.metrics["params"] == sum(p.numel() for p in exported.parameters())
    assert images().shape[0] == exported(images()).shape[0]


@pytest.mark.parametrize("mode", MODES)
def test_the_default(mode):
    """
    Each mode has one, which can be named.
    """
    model, other = converted(mode), converted(mode)
    one, two = searched(model), searched(other, importance=DEFAULTS[mode])

    assert one.config == two.config
    assert_same(model, other)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES)
def test_a_second_search_forgets_the_first(mode, name):
    """
    With another importance it finds, and puts in order, what it would on a fresh model.
    """
    model, fresh = converted(mode), converted(mode)
    searched(model, importance="random", seed=5)
    one, two = searched(model, importance=name), searched(fresh, importance=name)

    assert one.config == two.config
    assert_same(model, fresh)
    for hparam in espalier.space(model).values():
        kinds = [type(own) for own in hparam.estimators]
        assert 1 == kinds.count(UnitScores)
        assert 0 == kinds.count(Importance)


def test_orders_differ():
    """
    The names are no synonyms.
    """
    firsts = {}
    for name in NAMES:
        model = converted("fastnas")
        searched(model, importance=name)
        firsts[name] = next(t.tolist() for t in model.state_dict().values() if t.dim() > 1)

    assert len(NAMES) == len({str(first) for first in firsts.values()})


def test_chance_follows_from_the_seed():
    """
    One seed gives one order, another one another; the global generators are not asked.
    """
    models = []
    for number, seed in enumerate([0, 0, 1]):
        model = converted("fastnas")
        given = {"loss": loss, "data": [images()]}
        torch.manual_seed(number)
        random.seed(number)
        before = torch.random.get_rng_state(), random.getstate()
        searched(model, given=given, importance="random", seed=seed)
        assert torch.equal(before[0], torch.random.get_rng_state())
        assert before[1] == random.getstate()
        models.append(model)
    weights = [model.state_dict() for model in models]

    assert_same(models[0], models[1])
    assert any(not torch.equal(t, weights[2][name]) for name, t in weights[0].items())


@pytest.mark.parametrize("mode", MODES)
def test_without_sorting_units_stay(mode):
    """
    Then they are scored, if the mode asks for it, and not moved.
    """
    model = converted(mode)
    searched(model, importance="random", sort=False, bn_calibration=False)
    plain = small_cnn().state_dict()

    assert all(torch.equal(plain[name], t) for name, t in model.state_dict().items())


@pytest.mark.parametrize("mode", MODES)
def test_an_unknown_name(mode):
    """
    The message offers the nearest, and nothing was changed.
    """
    model = converted(mode)
    with pytest.raises(UnknownPluginError, match=r"No importance named 'mask_gradent'.*Did you"):
        searched(model, importance="mask_gradent")

    assert_same(model, small_cnn())
    assert espalier.space(model).max() == espalier.space(model).config()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("taylor", {}, r"importance 'taylor' needs loss and data: pass .*loss and data must"),
        ("mask_gradient", {"loss": loss}, "data must not be None"),
        ("activation", {"loss": loss}, "importance 'activation' needs data: pass data=batches"),
    ],
)
def test_what_is_missing(mode, name, given, message):
    """
    An importance that needs data says so, and nothing was changed.
    """
    model = converted(mode)
    with pytest.raises(ScoreError, match=message):
        searched(model, importance=name, given=given)

    assert_same(model, small_cnn())


@pytest.mark.parametrize("name", ["l1", "l2", "random", "bn_scale"])
def test_gradnas_by_weights_needs_no_data(name):
    """
    A score to judge the result is enough.
    """
    result = searched(converted("gradnas"), importance=name, given={})

    assert result.metrics["flops"] <= result.constraints["flops"]


def test_an_importance_by_hand_adds():
    """
    What somebody registered with a size stays registered, whatever is chosen.
    """
    model = converted("fastnas")
    name, hparam = next(iter(espalier.space(model).items()))
    wanted = torch.arange(float(hparam.units))
    hparam.register_importance(lambda: 100 * wanted * 0 + wanted)
    for importance in ("l1", "l2"):
        searched(model, importance=importance)
    assert 2 == len(hparam.estimators), name


def test_a_third_party_offers_one():
    """
    From another distribution, by the same hook.
    """
    offer = ImportanceOffer("acme", "espalier.importance.chance:Random", "Throws dice.")
    source = fake_source("acme", espalier_importances=lambda: [offer])
    with use_host(PluginHost([*installed(), source])):
        assert "acme" in espalier.importances
        searched(converted("gradnas"), importance="acme")
    clash = fake_source("other", espalier_importances=lambda: [offer])
    with use_host(PluginHost([*installed(), source, clash])):
        with pytest.raises(espalier.EspalierError, match="acme/acme"):
            searched(converted("gradnas"), importance="acme")
        searched(converted("gradnas"), importance="other/acme")
