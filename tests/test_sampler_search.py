"""Subnets proposed by any sampler: settings, what is scored, and what is rejected."""

import random

import pytest
import torch

import espalier
from espalier.errors import ConfigError, UnknownPluginError
from espalier.spaces import supernet_of
from espalier.studies import MemoryStore
from espalier.testing.offering import offered
from tests.models import Faithful, images
from tests.networks import residual
from tests.sampler_searches import COARSE, converted, flops, searched
from tests.samplers import SOURCE, Climbs, Draws, Every


class TestSettings:
    def test_a_sampler_is_chosen_by_the_key(self):
        """
        Under either name of the argument, by name or class, and with the settings as a class.
        """
        with offered(others=[SOURCE]):
            found = searched(sampler="draws")
            model = converted()
            again = espalier.search(
                model,
                constraints={"flops": "60%"},
                score=Faithful(model, images()),
                config=espalier.searching.SamplerSearchConfig(
                    sampler=Draws, trials=20, progress=False
                ),
            )

        assert found == again
        assert 20 == len(found.history)

    def test_given_twice_is_an_error(self):
        """
        The two names are of one argument.
        """
        model = converted()
        with pytest.raises(ConfigError, match="config and search_config are two names"):
            espalier.search(
                model, constraints={"flops": "60%"}, config={}, search_config={"sampler": Draws}
            )

    def test_the_other_name_serves_the_modes_own_search_too(self):
        """
        Without a sampler, the mode searches as ever.
        """
        model = converted()
        score = Faithful(model, images())
        quiet = {"progress": False}
        bounds = {"flops": "60%"}
        expected = espalier.search(model, constraints=bounds, score=score, config=quiet)
        model = converted()

        assert expected == espalier.search(
            model, constraints=bounds, score=score, search_config=quiet
        )

    @pytest.mark.parametrize(
        ("settings", "words"),
        [
            (
                {"trails": 3},
                r"search_config.trails: there is no such field. Did you mean 'trials'",
            ),
            ({"refine": 3}, r"search_config.refine: there is no such field"),
            (
                {"trials": 0},
                r"search_config.trials: must be at least 1, or None for no bound; got 0",
            ),
            ({"trials": 2.5}, r"search_config.trials: expected an integer"),
            ({"rejections": 0}, r"search_config.rejections: must be at least 1"),
            ({"retries": -1}, r"search_config.retries: must be at least 0"),
            (
                {"sampler": 3},
                r"search_config.sampler: must be a key of espalier.samplers, a Sampler or its",
            ),
            (
                {"storage": 3},
                r"search_config.storage: must be a URL, the path of a file, a TrialStore",
            ),
            ({"fit": "yes"}, r"search_config.fit: expected a bool"),
        ],
    )
    def test_what_is_no_setting_is_told(self, settings, words):
        """
        Field, rule, what came and what is nearest; the model is as before.
        """
        model = converted()
        before = espalier.space(model).config()
        with pytest.raises(ConfigError, match=words):
            searched(model, **settings)

        assert before == espalier.space(model).config()

    def test_a_sampler_that_there_is_not_is_told_before_anything_is_done(self):
        """
        With what is nearest.
        """
        calls = []
        with offered(others=[SOURCE]), pytest.raises(UnknownPluginError, match="mean 'draws'"):
            searched(sampler="drawz", score=calls.append)

        assert [] == calls

    def test_a_setting_that_the_sampler_has_not_is_told(self):
        """
        Settings of the sampler's own are checked by it.
        """
        with pytest.raises(espalier.EspalierError, match="temperature"):
            searched(sampler_config={"temperature": 3})

    def test_settings_may_be_in_a_file(self, tmp_path):
        """
        A file with the key is like a mapping with it.
        """
        path = tmp_path / "search.toml"
        path.write_text('sampler = "draws"\ntrials = 20\nprogress = false\n')
        model = converted()
        with offered(others=[SOURCE]):
            found = espalier.search(
                model,
                constraints={"flops": "60%"},
                score=Faithful(model, images()),
                search_config=path,
            )

        assert searched() == found


class TestRejection:
    def test_what_breaks_a_constraint_is_never_scored(self):
        """
        The score sees allowed subnets only, each once, and as many as were asked for.
        """
        model = converted()
        largest = espalier.space(model).max()
        bounds = {"flops": "40%", "params": "50%"}
        limits = {
            "flops": 0.4 * flops(model, largest),
            "params": 0.5 * supernet_of(model).costs.params(largest),
        }
        seen = []
        faithful = Faithful(model, images())

        def score(model):
            shape = espalier.profile(model)
            assert shape.flops <= limits["flops"]
            assert shape.params <= limits["params"]
            seen.append(tuple(espalier.space(model).config().values()))
            return faithful(model)

        result = searched(model, score, bounds=bounds, trials=30)

        assert 30 == len(result.history) == len(seen) == len(set(seen))
        assert max(t.score for t in result.history) == result.score

    def test_the_sampler_is_told_what_was_dropped_and_what_was_measured(self):
        """
        Dropped proposals are no trials; the others come with the bounded metrics, for nothing.
        """
        Climbs.made.clear()
        store = MemoryStore()
        model = converted()
        result = searched(
            model,
            sampler=Climbs,
            bounds={"flops": "40%", "params": 2000},
            storage=store,
            spend=False,
            fit=False,
        )
        [sampler] = Climbs.made
        learned = [record for what, record in sampler.heard if what == "learn"]

        assert {"flops": result.constraints["flops"], "params": 2000.0} == sampler.constraints
        assert any(what == "drop" for what, _ in sampler.heard)
        assert [t.score for t in result.history] == [r.metrics["score"] for r in learned]
        for record in store.trials():
            assert {"score", "flops", "params"} == set(record.metrics)
            assert flops(model, record.config) == record.metrics["flops"]

    @pytest.mark.parametrize("sampler", [Every, "grid", "random"])
    @pytest.mark.parametrize("budget", ["30%", "60%", "95%", "100%"])
    def test_the_best_of_a_grid_is_that_of_brute_force(self, budget, sampler):
        """
        Every allowed configuration is scored once, and none besides.
        """
        model = converted(COARSE)
        space = espalier.space(model)
        every = [espalier.domains.Space(space).at(k) for k in range(space.size)]
        limit = int(budget[:-1]) / 100 * flops(model, space.max())
        result = searched(model, bounds={"flops": budget}, sampler=sampler, trials=None)
        faithful = Faithful(converted(COARSE), images())
        allowed = [config for config in every if flops(model, config) <= limit]
        scores = {}
        for config in allowed:
            space.select(config)
            scores[tuple(config.values())] = faithful(model)

        assert scores == {tuple(t.config.values()): t.score for t in result.history}
        assert len(allowed) == len(result.history)
        assert max(scores.values()) == result.score
        assert result.score == scores[tuple(result.config.values())]

    def test_of_equal_scores_that_which_uses_most_is_taken(self):
        """
        A budget that was asked for is not left unused for nothing.
        """
        model = converted(COARSE)
        result = searched(model, lambda _: 1.0, sampler=Every, trials=None)

        assert max(flops(model, t.config) for t in result.history) == result.metrics["flops"]

    def test_a_search_of_a_small_space_ends(self):
        """
        A sampler that would propose for ever is stopped when everything was proposed, or nothing
        new for long.
        """
        result = searched(converted(COARSE), bounds={"flops": "70%"}, trials=None)

        assert len({tuple(t.config.values()) for t in result.history}) == len(result.history)
        assert 3 < len(result.history) < 16

    def test_an_active_space_is_all_that_is_searched(self):
        """
        What is frozen, restricted or tied stays so.
        """
        model = espalier.convert(
            residual(),
            inputs=torch.randn(2, 3, 8, 8),
            config={"nn.Conv2d": {"channel_divisor": 2}},
        )
        space = espalier.space(model)
        first, second, *_ = [n for n, h in space.items() if h.is_configurable]
        space[first].active = space[first].choices[1]
        space.freeze(first)
        space.restrict(second, space[second].choices[-2:])
        result = searched(model, lambda m: random.Random(0).random(), bounds={"params": "99%"})

        assert {space[first].choices[0]} == {t.config[first] for t in result.history}
        assert set(space[second].choices) >= {t.config[second] for t in result.history}
        assert set(space) == set(result.config)
