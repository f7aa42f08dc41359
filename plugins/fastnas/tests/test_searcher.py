"""The search over thresholds, and what is given back at its end."""

import math

import pytest
import torch

import espalier
from espalier.errors import ConfigError, ScoreError
from espalier.searching import SearchTask
from espalier.searching.spending import spend
from espalier.searching.thresholds import Sensitivity, bisect
from espalier_fastnas.config import FastNASSearchConfig
from espalier_fastnas.searcher import BinarySearcher

from .networks import BUDGETS, chain, flops, prepared, task_on


QUIET = {"progress": False}


@pytest.fixture(scope="module")
def model():
    """A converted model; these searches read its sizes, never its weights."""
    return chain()


class TestBisect:
    @pytest.mark.parametrize("seed", range(4))
    @pytest.mark.parametrize("budget", BUDGETS)
    def test_it_is_the_least_threshold_that_fits(self, model, budget, seed):
        """
        Trying every threshold in order gives the same subnet.
        """
        task, sensitivity = prepared(model, budget, seed)
        expected = next(
            config
            for config in map(sensitivity.smallest_within, sensitivity.thresholds)
            if task.allows(config)
        )

        assert expected == bisect(task, sensitivity)

    def test_where_no_choice_costs_anything(self, model):
        """
        With one threshold there is nothing to bisect: the smallest subnet costs nothing.
        """
        space = espalier.space(model)
        task = task_on(model, {"flops": "50%"})
        free = Sensitivity({n: dict.fromkeys(h.choices, 0.0) for n, h in space.items()})

        assert space.min() == bisect(task, free)

    def test_where_only_the_smallest_fits(self, model):
        """
        A budget that only the smallest subnet meets leads to it, whatever it costs.
        """
        space = espalier.space(model)
        task, sensitivity = prepared(model, "50%", seed=3)
        tight = task_on(model, {"flops": flops(model, space.min())})

        assert space.min() == bisect(tight, sensitivity)
        assert not task.allows(space.max())


class TestSpend:
    @pytest.mark.parametrize("seed", range(4))
    @pytest.mark.parametrize("budget", BUDGETS)
    def test_no_step_is_left(self, model, budget, seed):
        """
        Nothing shrinks, the budget holds, and no size could be one choice larger.
        """
        task, sensitivity = prepared(model, budget, seed)
        before = bisect(task, sensitivity)
        config = spend(task, sensitivity, before)

        assert task.allows(config)
        for name, hparam in espalier.space(model).items():
            assert config[name] >= before[name]
            for larger in (c for c in hparam.choices if c > config[name]):
                assert not task.allows({**config, name: larger})

    def test_it_goes_where_it_helps(self, model):
        """
        Of two sizes of one price, the one that was lossy grows.
        """
        space = espalier.space(model)
        losses = {name: dict.fromkeys(hparam.choices, 0.0) for name, hparam in space.items()}
        losses["2.out_features"].update({12: 0.1, 8: 0.2, 4: 0.3})
        config = {**space.min(), "1.out_features": 8}
        budget = flops(model, {**config, "2.out_features": 8})
        task = task_on(model, {"flops": budget})
        found = spend(task, Sensitivity(losses), config)

        assert {**config, "2.out_features": 8} == found

    def test_a_size_without_a_score_grows_first(self, model):
        """
        Leaving a choice that scored nothing wins more than any loss that is a number.
        """
        space = espalier.space(model)
        losses = {name: dict.fromkeys(hparam.choices, 0.0) for name, hparam in space.items()}
        losses["0.out_features"].update({12: 5.0, 8: 6.0, 4: 7.0})
        losses["2.out_features"].update({12: 0.0, 8: 0.0, 4: math.inf})
        budget = flops(model, {**space.min(), "0.out_features": 8})
        task = task_on(model, {"flops": budget})
        found = spend(task, Sensitivity(losses), space.min())

        assert {**space.min(), "2.out_features": 8} == found


class TestSettings:
    def search(self, settings, *, budget="50%"):
        """Search a fresh model by how near its outputs stay, and return it with the result."""
        model = chain(seed=5)
        data = torch.randn(16, 6, generator=torch.Generator().manual_seed(2))
        with torch.no_grad():
            expected = model(data)

        def score(network):
            with torch.no_grad():
                return -float((network(data) - expected).square().mean())

        result = espalier.search(
            model, constraints={"flops": budget}, score=score, config={**QUIET, **settings}
        )
        return model, result

    def test_sorting_moves_units_and_not_sorting_does_not(self):
        """
        Unsorted, the weights stand where they stood; sorted, they are a permutation of those.
        """
        expected = chain(seed=5)[0]._parameters["weight"]
        unsorted = self.search({"sort": False})[0][0]._parameters["weight"]
        moved = self.search({"sort": True})[0][0]._parameters["weight"]

        assert torch.equal(expected, unsorted)
        assert not torch.equal(expected, moved)
        assert sorted(map(tuple, expected.tolist())) == sorted(map(tuple, moved.tolist()))

    def test_sorted_units_keep_the_best_first(self):
        """
        After a search, importances fall from unit to unit.
        """
        model, _ = self.search({"sort": True})

        for hparam in espalier.space(model).values():
            importance = hparam.importance
            assert bool((importance[:-1] >= importance[1:] - 1e-9).all())

    def test_spending_never_gives_a_smaller_subnet(self):
        """
        Without the last pass the subnet is what the threshold gave; with it, more is used.
        """
        gained = 0
        for budget in BUDGETS:
            model, frugal = self.search({"spend": False, "refine": 0}, budget=budget)
            _, spent = self.search({"spend": True, "refine": 0}, budget=budget)
            used = [flops(model, result.config) for result in (frugal, spent)]
            gained += used[0] < used[1]
            assert sorted(used) == used

        assert 0 < gained

    @pytest.mark.parametrize("refine", [0, 16])
    @pytest.mark.parametrize("most", [None, 2, 3, 7, 13])
    def test_no_more_is_scored_than_was_told(self, most, refine, monkeypatch):
        """
        The full model, every choice alone if there are calls for that, and whole subnets.
        """
        told = []
        monkeypatch.setattr(SearchTask, "start", lambda task, calls: told.append(calls))
        _, result = self.search({"max_score_calls": most, "refine": refine})

        assert [min(most or 99, 1 + 9 + max(1, refine))] == told
        assert len(result.history) <= told[0]
        assert {} != result.config in [trial.config for trial in result.history]

    @pytest.mark.parametrize("budget", BUDGETS)
    def test_the_result_is_the_best_whole_subnet(self, budget):
        """
        Of the subnets that were scored after the single choices, none that fits is better.
        """
        model, result = self.search({}, budget=budget)
        limit = result.constraints["flops"]
        whole = [t for t in result.history[10:] if flops(model, t.config) <= limit]

        assert len(whole) == len(result.history) - 10
        assert all(trial.score <= result.score for trial in whole)

    @pytest.mark.parametrize(
        ("settings", "rule"),
        [
            ({"max_score_calls": 1}, "max_score_calls: must be at least 2"),
            ({"max_score_calls": 0}, "max_score_calls: must be at least 2"),
            ({"refine": -1}, "refine: must be at least 0"),
        ],
        ids=repr,
    )
    def test_impossible_numbers_are_refused(self, settings, rule):
        """
        With the rule and what came.
        """
        with pytest.raises(ConfigError, match=rule):
            self.search(settings)

    def test_defaults(self):
        """
        Units are sorted and the budget is spent unless somebody says otherwise.
        """
        config = BinarySearcher.config_class.structure(None)

        assert FastNASSearchConfig(progress=True, sort=True, spend=True) == config


class TestNan:
    def scored(self, is_none):
        """Search where the score of a configuration is nan if *is_none* says so."""
        model = chain()
        space = espalier.space(model)

        def score(_):
            config = space.config()
            return math.nan if is_none(config) else float(sum(config.values()))

        return model, lambda: espalier.search(
            model, constraints={"flops": "50%"}, score=score, config=QUIET
        )

    def test_choices_without_a_score_are_kept_clear_of(self):
        """
        A size whose smaller choices give nan stays whole if the others can pay for it.
        """
        model, search = self.scored(lambda config: config["2.out_features"] < 16)
        result = search()

        assert 16 == result.config["2.out_features"]
        assert math.isfinite(result.score)
        assert 3 <= sum(math.isnan(trial.score) for trial in result.history)
        assert espalier.space(model).config() == result.config

    def test_nan_for_the_full_model_is_an_error(self):
        """
        There is nothing to compare with, and the message says so.
        """
        _, search = self.scored(lambda config: min(config.values()) == 16)
        with pytest.raises(ScoreError, match="largest subnet"):
            search()

    def test_nan_for_all_others_is_an_error(self):
        """
        Not a single smaller choice could be judged.
        """
        _, search = self.scored(lambda config: min(config.values()) < 16)
        with pytest.raises(ScoreError, match="nan for all 9 of them"):
            search()
