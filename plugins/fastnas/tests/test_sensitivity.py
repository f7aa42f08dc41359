"""What each choice costs, measured alone."""

import math
import random

import pytest
import torch

import espalier
from espalier.searching.thresholds import Sensitivity
from espalier_fastnas.curve import Curve
from espalier_fastnas.sensitivity import Measurements, calls_needed

from .networks import chain, measured_all, random_losses, table_score, task_on


def measured(seed, *, spoil=lambda losses: None):
    """Return space, losses by choice, the task, and what was measured on it."""
    model = chain()
    space = espalier.space(model)
    losses = random_losses(space, random.Random(seed))
    spoil(losses)
    task = task_on(model, {"flops": "50%"}, table_score(space, losses))
    return space, losses, task, measured_all(task).sensitivity()


def worst_down_to(losses, name, choice):
    return max(0.0, *(loss for c, loss in losses[name].items() if c >= choice))


@pytest.mark.parametrize("seed", range(5))
def test_a_smaller_choice_never_costs_less(seed):
    """
    The loss is the worst of all choices down to it, and 2% of the largest by what it drops.
    """
    space, losses, _, found = measured(seed)
    top = max(worst_down_to(losses, name, h.min) for name, h in space.items())

    for name, hparam in space.items():
        dropped = Curve.of(hparam).dropped
        for choice in hparam.choices:
            expected = worst_down_to(losses, name, choice) + 0.02 * top * dropped[choice]
            assert found.losses[name][choice] == pytest.approx(expected)


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


@pytest.mark.parametrize("calls", range(11))
def test_no_more_is_scored_than_is_allowed(calls):
    """
    Middle choices before smallest ones, whatever the number; each choice has a loss even so.
    """
    model = chain()
    space = espalier.space(model)
    losses = random_losses(space, random.Random(7))
    task = task_on(model, {"flops": "50%"}, table_score(space, losses))
    found = Measurements.of(task, task.score(space.max()))
    found.take(calls)
    changed = [
        next(c for n, c in trial.config.items() if c != space[n].max) for trial in task.history[1:]
    ]

    assert min(calls, 9) == len(changed)
    assert ([8, 8, 8, 4, 4, 4] + [12] * 3)[:calls] == changed
    for name, by_choice in found.sensitivity().losses.items():
        assert set(space[name].choices) == set(by_choice)
        assert sorted(by_choice.values(), reverse=True) == [
            by_choice[c] for c in sorted(by_choice)
        ]


@pytest.mark.parametrize("bad", [math.nan, math.inf], ids=str)
def test_a_choice_without_a_score_costs_everything(bad):
    """
    So do the smaller ones of the same size; the other sizes are not concerned.
    """

    def break_one(losses):
        losses["1.out_features"][12] = -bad

    space, _, _, found = measured(2, spoil=break_one)

    assert {4: math.inf, 8: math.inf, 12: math.inf, 16: 0.0} == found.losses["1.out_features"]
    assert all(math.isfinite(loss) for loss in found.losses["0.out_features"].values())
    assert set(space) == set(found.losses)


def test_what_a_coarse_score_does_not_see_the_outputs_tell():
    """
    A score that takes one of all choices for worse leaves the order to what the model returns.
    """
    model = chain()
    space = espalier.space(model)
    data = torch.randn(64, 6, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        full = model(data)

    def score(network):
        with torch.no_grad():
            network(data)
        return -1.0 if space["0.out_features"].active == 4 else 0.0

    task = task_on(model, {"flops": "50%"}, score)
    found = measured_all(task).sensitivity()
    deviations = {}
    for name in ("1.out_features", "2.out_features"):
        for choice in (4, 8, 12):
            space.select({**space.max(), name: choice})
            with torch.no_grad():
                moved = (model(data) - full).square().mean() / full.var(correction=0)
            deviations[name, choice] = float(moved)
            trial = task.trial({**space.max(), name: choice})
            assert deviations[name, choice] == pytest.approx(trial.deviation, rel=1e-4)
    by_loss = sorted(deviations, key=lambda pair: found.losses[pair[0]][pair[1]])

    assert sorted(deviations, key=deviations.get) == by_loss


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
