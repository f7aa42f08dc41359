"""Hparams that follow others."""

import copy
import random

import pytest
import torch
from torch import nn

import espalier
from espalier.errors import InvalidChoiceError, SpaceError
from espalier.hparams import Hparam
from espalier.spaces import SearchSpace, supernet_of


RULES = {"nn.Linear": {"feature_divisor": 4}}


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 64), nn.ReLU(),
        nn.Linear(64, 4),
    )  # fmt: skip


def converted():
    model = espalier.convert(network(), inputs=torch.zeros(2, 8), config=RULES)
    space = espalier.space(model)
    names = list(space)
    space.tie(names)
    return model, space, names


def test_what_is_tied_keeps_one_share_of_its_units():
    """
    Sizes may differ; the share does not.
    """
    first, second = Hparam([4, 8, 16], name="a"), Hparam([8, 24, 32], name="b")
    space = SearchSpace([first, second])
    space.tie(["a", "b"])
    space.select({"a": 4})

    assert {"a": 4} == space.config()
    assert (4, 16) == first.choices
    assert 8 == second.active
    assert [["a", "b"]] == space.ties
    assert [first, second] == list(space.every())


def test_what_follows_is_no_part_of_the_space_and_is_not_set():
    """
    Only the leader is searched, and the error says where to set it.
    """
    space = SearchSpace([Hparam([4, 8], name="a"), second := Hparam([4, 8], name="b")])
    space.tie(["a", "b"])

    assert ["a"] == list(space)
    with pytest.raises(SpaceError, match="'b' is no hparam"):
        space.select({"b": 4})
    with pytest.raises(InvalidChoiceError, match="tied to, a"):
        second.active = 4


def test_without_a_share_in_common_nothing_is_tied():
    """
    The space is as before.
    """
    narrow = Hparam([4, 8, 12], name="a")
    narrow.choices = [4]
    space = SearchSpace([narrow, Hparam([4, 8], name="b")])
    with pytest.raises(SpaceError, match="share of their units in common"):
        space.tie(["a", "b"])

    assert ["a", "b"] == list(space)


def test_a_leader_can_be_tied_to_another():
    """
    Then all follow that one.
    """
    space = SearchSpace([Hparam([4, 8], name=name) for name in "abc"])
    space.tie(["b", "c"])
    space.tie(["a", "b"])
    space.select({"a": 4})

    assert [4, 4, 4] == [hparam.active for hparam in space.every()]
    assert [4, 4, 4] == [hparam.under({"a": 4}) for hparam in space.every()]


def test_following_an_hparam_needs_something_for_each_of_its_choices():
    """
    Otherwise a choice of the leader would mean nothing here.
    """
    with pytest.raises(InvalidChoiceError, match="leave out"):
        Hparam([4, 8], name="a").follow(Hparam([2, 4], name="b"), {4: 8})


@pytest.mark.parametrize("is_copy", [False, True])
def test_tied_layers_run_cost_and_export_as_one_says(is_copy):
    """
    Slices, costs and exports of all layers follow the leader, also in a copy.
    """
    model, space, names = converted()
    if is_copy:
        model = copy.deepcopy(model)
        space = espalier.space(model)
    full = model(torch.ones(2, 8))
    predicted = supernet_of(model).costs.params({names[0]: 8})
    space.select({names[0]: 8})
    expected = model(torch.ones(2, 8))
    plain = espalier.export(model)

    assert not torch.equal(full, expected)
    assert [(8, 8), (8, 8), (16, 8), (4, 16)] == [
        tuple(plain[i].weight.shape) for i in (0, 2, 4, 6)
    ]
    assert sum(p.numel() for p in plain.parameters()) == predicted
    torch.testing.assert_close(plain(torch.ones(2, 8)), expected)


def test_each_keeps_its_own_best_units():
    """
    Tied layers share how many, not which.
    """
    model, _, _ = converted()
    expected = model(torch.ones(2, 8))
    espalier.spaces.sort(model, supernet_of(model))
    orders = supernet_of(model).orders

    assert 3 == len({tuple(order.tolist()) for order in orders.values()})
    torch.testing.assert_close(model(torch.ones(2, 8)), expected)


def test_a_search_keeps_ties_and_its_budget():
    """
    The budget is spent on what is really built.
    """
    model, _, _ = converted()
    full = sum(p.numel() for p in network().parameters())
    espalier.search(
        model,
        constraints={"params": "50%"},
        score=lambda m: -float(m(torch.ones(2, 8)).detach().square().mean()),
        config={"progress": False},
    )

    assert sum(p.numel() for p in espalier.export(model).parameters()) <= full / 2


def test_ties_are_saved(tmp_path):
    """
    A restored model has the same space.
    """
    model, space, _ = converted()
    space.select(space.sample(random.Random(1)))
    espalier.save(model, tmp_path / "model.safetensors")
    again = espalier.restore(network(), tmp_path / "model.safetensors")

    assert space.config() == espalier.space(again).config()
    assert space.ties == espalier.space(again).ties
    torch.testing.assert_close(again(torch.ones(2, 8)), model(torch.ones(2, 8)))


def test_a_tied_model_is_explained():
    """
    Every size that can change is shown, the following ones too.
    """
    model, _, names = converted()
    found = espalier.explain(model, torch.zeros(2, 8)).to_dict()

    assert all(name in str(found) for name in names)
