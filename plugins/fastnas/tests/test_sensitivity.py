"""What each choice costs, measured alone."""

import math
import random

import pytest

import espalier
from espalier.searching.thresholds import Sensitivity
from espalier_fastnas.sensitivity import calls_needed, measure

from .networks import chain, random_losses, table_score, task_on


def measured(seed, *, spoil=lambda losses: None):
    """Return space, losses by choice, the task, and what was measured on it."""
    model = chain()
    space = espalier.space(model)
    losses = random_losses(space, random.Random(seed))
    spoil(losses)
    task = task_on(model, {"flops": "50%"}, table_score(space, losses))
    return space, losses, task, measure(task)


@pytest.mark.parametrize("seed", range(5))
def test_a_smaller_choice_never_costs_less(seed):
    """
    The loss of a choice is the worst of all choices down to it, found by brute force.
    """
    space, losses, _, found = measured(seed)

    for name, hparam in space.items():
        for choice in hparam.choices:
            worst = max(loss for c, loss in losses[name].items() if c >= choice)
            assert found.losses[name][choice] == pytest.approx(worst)


def test_a_gain_counts_as_no_loss():
    """
    A smaller choice that scores higher costs nothing, and no less than nothing.
    """

    def improve(losses):
        for by_choice in losses.values():
            by_choice[8] = -0.5

    _, losses, _, found = measured(0, spoil=improve)

    for name, by_choice in found.losses.items():
        assert losses[name][12] == pytest.approx(by_choice[8])
        assert 0.0 <= min(by_choice.values())


def test_every_choice_is_scored_once_and_alone():
    """
    As many configurations as were promised, each with one size that is not the largest.
    """
    space, _, task, _ = measured(1)
    largest = space.max()
    changed = [
        [(name, trial.config[name]) for name in space if trial.config[name] != largest[name]]
        for trial in task.history
    ]

    assert 1 + 3 * 3 == calls_needed(space) == len(task.history)
    assert [] == changed[0]
    assert sorted((n, c) for n, h in space.items() for c in h.choices[:-1]) == sorted(
        pair for pairs in changed for pair in pairs
    )
    assert {1} == {len(pairs) for pairs in changed[1:]}


@pytest.mark.parametrize("bad", [math.nan, math.inf], ids=str)
def test_a_choice_without_a_score_costs_everything(bad):
    """
    So do the smaller ones of the same size; the other sizes are not concerned.
    """

    def break_one(losses):
        losses["1.out_features"][12] = -bad

    space, losses, _, found = measured(2, spoil=break_one)

    assert {4: math.inf, 8: math.inf, 12: math.inf, 16: 0.0} == found.losses["1.out_features"]
    assert found.losses["0.out_features"][12] == pytest.approx(losses["0.out_features"][12])
    assert set(space) == set(found.losses)


LOSSES = {"a": {8: 0.0, 4: 0.3, 2: 0.5}, "b": {6: 0.0, 3: 0.3}}


class TestThresholds:
    def test_they_are_the_losses_that_occur(self):
        """
        Ascending, and each once.
        """
        assert [0.0, 0.3, 0.5] == Sensitivity(LOSSES).thresholds

    @pytest.mark.parametrize(
        ("threshold", "expected"),
        [
            (0.0, {"a": 8, "b": 6}),
            (0.29, {"a": 8, "b": 6}),
            (0.3, {"a": 4, "b": 3}),
            (9.0, {"a": 2, "b": 3}),
        ],
    )
    def test_the_smallest_choice_within_one(self, threshold, expected):
        """
        Every size goes as far down as its loss allows.
        """
        assert expected == Sensitivity(LOSSES).smallest_within(threshold)
