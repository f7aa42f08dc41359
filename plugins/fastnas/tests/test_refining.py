"""Whole subnets, scored and improved."""

import math
import random

import pytest

import espalier
from espalier.searching.spending import ENOUGH, fill, spend
from espalier.searching.thresholds import Sensitivity, bisect, bisect_price, share
from espalier_fastnas.refining import Refinement

from .networks import BUDGETS, chain, configurations, flops, prepared, task_on


@pytest.fixture(scope="module")
def model():
    """A converted model; these searches read its sizes, never its weights."""
    return chain()


def any_score(model, seed):
    """Return a score that has nothing to do with the sizes, but is the same each time."""
    space = espalier.space(model)
    return lambda _: random.Random(f"{seed}{list(space.config().values())}").random()


class TestPrice:
    @pytest.mark.parametrize("power", [1.0, 2.0])
    @pytest.mark.parametrize("seed", range(2))
    @pytest.mark.parametrize("budget", BUDGETS)
    def test_it_is_the_least_price_that_fits(self, model, budget, seed, power):
        """
        Trying many prices in ascending order finds nothing that fits for less.
        """
        task, sensitivity = prepared(model, budget, seed)
        largest, losses = task.space.max(), sensitivity.losses
        whole = share(task, largest)

        def worth(name, choice, price):
            saved = whole - share(task, {**largest, name: choice})
            return losses[name][choice] ** power - price * saved, choice

        def at(price):
            return {
                name: min(hparam.choices, key=lambda c, n=name: worth(n, c, price))
                for name, hparam in task.space.items()
            }

        found = bisect_price(task, sensitivity, power)
        first = next(c for i in range(10_000) if task.allows(c := at(1.02**i / 1000 - 0.001)))

        assert task.allows(found)
        assert flops(model, first) <= flops(model, found)

    @pytest.mark.parametrize("scale", [1e-200, 1e-9, 1e9, 1e200])
    def test_the_scale_of_the_losses_makes_no_difference(self, model, scale):
        """
        Losses in other units lead to the same subnet.
        """
        for budget in BUDGETS:
            task, sensitivity = prepared(model, budget, 0)
            scaled = Sensitivity(
                {n: {c: v * scale for c, v in o.items()} for n, o in sensitivity.losses.items()}
            )

            assert bisect_price(task, sensitivity) == bisect_price(task, scaled)

    def test_where_the_way_is_lost(self, model):
        """
        If what would have to be taken lost everything, no price leads there.
        """
        task, sensitivity = prepared(model, "15%", 0)
        for by_choice in sensitivity.losses.values():
            by_choice.update({c: math.inf for c in by_choice if c < 16})

        assert bisect_price(task, sensitivity) is None


class TestFill:
    @pytest.mark.parametrize("seed", range(3))
    @pytest.mark.parametrize("budget", [*BUDGETS, "40%", "80%"])
    def test_enough_of_the_budget_is_used_where_that_can_be(self, model, budget, seed):
        """
        If any of all configurations uses 97%, what is found does.
        """
        task, sensitivity = prepared(model, budget, seed)
        spent = spend(task, sensitivity, bisect(task, sensitivity))
        filled = fill(task, sensitivity, spent)
        able = [share(task, c) for c in configurations(task.space) if task.allows(c)]

        assert task.allows(filled)
        assert share(task, filled) >= share(task, spent)
        assert share(task, filled) >= min(ENOUGH, max(able))

    def test_what_uses_enough_stays(self, model):
        """
        Nothing is traded where the budget is used up already.
        """
        task, sensitivity = prepared(model, "100%", 0)

        assert task.space.max() == fill(task, sensitivity, task.space.max())


class TestRefinement:
    @pytest.mark.parametrize("calls", [0, 1, 2, 5, 12])
    @pytest.mark.parametrize("budget", BUDGETS)
    def test_the_best_that_was_scored_is_returned(self, model, budget, calls):
        """
        Within the constraints, after no more calls than allowed.
        """
        task, sensitivity = prepared(model, budget, 5)
        before = len(task.history)
        found = Refinement(task, sensitivity).best(calls)
        scored = [t for t in task.history[before:] if task.allows(t.config)]

        assert task.allows(found)
        assert len(task.history) - before <= calls
        assert all(trial.score <= task.score(found) for trial in scored)

    def test_more_calls_never_end_in_a_lower_score(self, model):
        """
        And with some, they end in a higher one, where losses do not add up.
        """
        gains = 0
        for seed in range(4):
            scores = []
            for calls in (1, 4, 16):
                _, sensitivity = prepared(model, "50%", seed)
                task = task_on(model, {"flops": "50%"}, any_score(model, seed))
                best = Refinement(task, sensitivity, use_up=False).best(calls)
                scores.append(task.score(best))
            assert sorted(scores) == scores
            gains += scores[0] < scores[-1]

        assert 0 < gains

    def test_without_a_call_it_is_what_the_threshold_leads_to(self, model):
        """
        As it is, if nothing is to be given back.
        """
        task, sensitivity = prepared(model, "50%", 3)
        expected = bisect(task, sensitivity)

        assert expected == Refinement(task, sensitivity, use_up=False).best(0)
