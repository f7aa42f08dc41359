"""Integer attributes that no converter knows are found, tied or named as the reason."""

from __future__ import annotations

import copy
import random

import pytest
import torch
from torch import nn

import espalier
from espalier.spaces import analyze
from espalier.spaces.draft import Draft
from espalier.spaces.remedies import Remedies
from tests.attribute_blocks import (
    Aligned,
    Checked,
    Fixed,
    Halves,
    Heads,
    HeadsElsewhere,
    OneHeadSize,
    OwnNorm,
    SumOfSizes,
    WidthOverHeads,
    stack,
)


FINE = {"nn.Linear": {"feature_divisor": 1}}


def inputs():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, 7, 5, generator=generator)


def units(model):
    return {free.name: free.axis.size for free in analyze(model, inputs()).free}


def check_agreement(model):
    """
    Every drawn subnet runs, and its export computes the same.
    """
    x = inputs()
    expected = model(x)
    espalier.convert(model, inputs=x, config=FINE)
    torch.testing.assert_close(expected, model(x), rtol=0, atol=0)
    space = espalier.space(model)
    for seed in range(5):
        space.select(space.sample(random.Random(seed)))
        exported = espalier.export(copy.deepcopy(model))
        torch.testing.assert_close(model(x), exported(x), rtol=0, atol=1e-6)
    return exported


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_heads_behind_attributes_are_found():
    """
    Width, number of heads and size of a head are hparams of a block without a converter.
    """
    assert {"0.out_features": 12, "1.heads": 4, "1.head_dim": 3} == units(stack(Heads(12, 4, 3)))


@pytest.mark.parametrize(
    "block",
    [
        Heads(12, 4, 3),
        OneHeadSize(12, 4, 6),
        WidthOverHeads(12, 4),
        OwnNorm(12),
        Checked(12),
        SumOfSizes(12, 3, 5, 4),
        Halves(12, 7),
        HeadsElsewhere(12, 4, 5),
        Heads(12, 4, 4),
        Heads(12, 3, 3),
        Aligned(12, 20),
        Fixed(),
    ],
    ids=lambda block: type(block).__name__,
)
def test_what_was_found_is_exported(block):
    """
    An exported block has the attributes that its subnet had, and runs by itself.
    """
    check_agreement(stack(block, copy.deepcopy(block)))


def test_an_attribute_of_the_same_value_stays():
    """
    Only what makes the forward pass hold is changed.
    """
    model = stack(Heads(12, 4, 3))
    espalier.convert(model, inputs=inputs(), config=FINE)
    espalier.space(model).select(espalier.space(model).min())
    exported = espalier.export(model)

    assert (1, 1, 4) == (exported[1].heads, exported[1].head_dim, exported[1].depth)


def test_sizes_behind_one_attribute_are_tied():
    """
    The size of query, key and value is one hparam where one attribute is all of them.
    """
    found = units(stack(OneHeadSize(12, 4, 6)))

    assert {"0.out_features": 12, "1.query.out_features.0": 4, "1.head_dim": 6} == found


def test_a_width_that_is_heads_times_their_size_is_tied_to_them():
    """
    Where a block divides its width by its heads, heads and their size make the width.
    """
    found = units(stack(WidthOverHeads(12, 4)))

    assert [3, 4] == sorted(found.values())


def test_sizes_of_which_one_attribute_is_a_part_are_found():
    """
    A view by the sum of two attributes lets both follow.
    """
    found = units(stack(SumOfSizes(12, 3, 5, 4)))

    assert {3, 4, 5, 12} == set(found.values())
    assert {"1.first", "1.second"} <= set(found)


def test_halves_behind_one_attribute_are_tied():
    """
    An attribute that is the size of two parts is bound to both.
    """
    model = stack(Halves(12, 7))
    explained = {e.name: e for e in espalier.explain(model, inputs()).hparams}

    assert ("1.half",) == explained["1.middle.in_features"].found_attributes
    assert 7 == explained["1.middle.in_features"].units


def test_heads_as_many_as_they_are_large_are_two_sizes():
    """
    Two attributes of one value follow their own axes.
    """
    assert {"1.heads": 4, "1.head_dim": 4}.items() <= units(stack(Heads(12, 4, 4))).items()


def test_no_more_is_frozen_than_must_be():
    """
    A number that can't be found freezes its own size, not those beside it.
    """
    assert {"0.out_features": 12, "1.head_dim": 5} == units(stack(HeadsElsewhere(12, 4, 5)))


def test_only_multiples_are_offered_where_a_kernel_asks_for_them():
    """
    A layer that runs at some sizes only is offered those.
    """
    model = stack(Aligned(12, 20))
    espalier.convert(model, inputs=inputs(), config=FINE)

    assert (4, 8, 12, 16, 20) == espalier.space(model)["1.inner.out_features"].choices


def test_what_a_kernel_asks_for_is_tried_first(monkeypatch):
    """
    Multiples, where it says so: nothing else has to be ruled out before.
    """
    monkeypatch.setattr(Remedies, "binds", lambda _: pytest.fail("searched for attributes"))

    assert 20 == units(stack(Aligned(12, 20)))["1.inner.out_features"]


def test_blocks_alike_are_found_together():
    """
    Ten blocks take no more trials than one.
    """
    trials = []
    attempt = Draft.attempt

    def counted(draft, draw):
        trials[-1] += 1
        return attempt(draft, draw)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Draft, "attempt", counted)
        for blocks in (2, 10):
            trials.append(0)
            assert 1 + 2 * blocks == len(units(stack(*(Heads(12, 4, 3) for _ in range(blocks)))))

    assert trials[0] + 4 >= trials[1]  # more atoms take more draws to be told apart


def test_a_number_in_the_code_freezes_with_the_line():
    """
    What no attribute explains is frozen, and the reason names the line.
    """
    (frozen,) = (f for f in analyze(stack(Fixed()), inputs()).frozen if f.size == 10)

    assert "does not shrink" in str(frozen.reasons[0])
    assert "attribute_blocks.py" in str(frozen.reasons[0])


def test_explain_shows_what_was_found():
    """
    Attributes that follow are listed with the hparam.
    """
    explained = {e.name: e for e in espalier.explain(stack(Heads(12, 4, 3)), inputs()).hparams}

    assert ("1.heads",) == explained["1.heads"].found_attributes


def test_analysis_leaves_attributes_alone():
    """
    The plain model has every attribute that it had.
    """
    model = stack(Heads(12, 4, 3))
    before = {name: dict(vars(module)) for name, module in model.named_modules()}
    analyze(model, inputs())

    assert before == {name: dict(vars(module)) for name, module in model.named_modules()}


@pytest.mark.parametrize("exported", [False, True])
def test_what_was_found_is_restored(tmp_path, exported):
    """
    A saved model comes back with the attributes that its sizes need.
    """
    model = stack(Heads(12, 4, 3), OneHeadSize(12, 4, 6))
    x = inputs()
    espalier.convert(model, inputs=x, config=FINE)
    espalier.space(model).select(espalier.space(model).sample(random.Random(3)))
    if exported:
        espalier.export(model)
    espalier.save(model, tmp_path / "model.espalier")
    other = espalier.restore(
        stack(Heads(12, 4, 3), OneHeadSize(12, 4, 6)), tmp_path / "model.espalier"
    )

    torch.testing.assert_close(model(x), other(x), rtol=0, atol=0)


def test_a_deep_model_can_be_copied():
    """
    A copy does not recurse from layer to layer.
    """
    model = nn.Sequential(*(nn.Linear(4, 4) for _ in range(200)))
    x = torch.randn(2, 4)
    espalier.convert(model, inputs=x, config={"nn.Linear": {"feature_divisor": 2}})
    other = copy.deepcopy(model)
    espalier.space(other).select(espalier.space(other).min())

    assert espalier.space(model).max() == espalier.space(model).config()
    assert not torch.equal(model(x), other(x))
