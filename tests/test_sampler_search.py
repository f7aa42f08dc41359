"""Subnets proposed by any sampler: what is scored, what is rejected, and what comes out."""

import math
import random

import pytest
import torch
from torch import nn

import espalier
from espalier.errors import ConfigError, ConstraintError, ScoreError, UnknownPluginError
from espalier.sampling import TrialState
from espalier.spaces import supernet_of
from espalier.studies import MemoryStore, Study
from espalier.testing.offering import offered
from espalier_demo.network import seeded_network
from tests.models import FINE, Faithful, images, small_cnn
from tests.networks import residual
from tests.samplers import SOURCE, Climbs, Draws, Every, Stubborn


#: Four choices for each of the two convolutions.
COARSE = {"nn.Conv2d": {"channels_ratio": [0.25, 0.5, 0.75, 1.0], "channel_divisor": 2}}


def converted(config=FINE, mode="fastnas"):
    return espalier.convert(small_cnn(), mode, inputs=images(), config=config)


def searched(model=None, score=None, *, bounds=None, sampler=Draws, trials=20, **settings):
    """Search *model* with a sampler, quietly."""
    model = converted() if model is None else model
    return espalier.search(
        model,
        constraints=bounds or {"flops": "60%"},
        score=score or Faithful(model, images()),
        search_config={"sampler": sampler, "trials": trials, "progress": False, **settings},
    )


def resnet():
    """Return a converted residual network of 12 sizes; input ``(N, 1, 8, 8)``."""
    model = seeded_network(0).eval()
    config = {"nn.Conv2d": {"channel_divisor": 2}}
    return espalier.convert(model, inputs=torch.zeros(1, 1, 8, 8), config=config)


def flops(model, config):
    return espalier.metrics["flops"]().measure(model, config)


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


class TestTightBudgets:
    @pytest.mark.parametrize("percent", [10, 20, 30, 60, 90])
    def test_random_proposals_find_what_uses_the_budget(self, percent):
        """
        Whether the budget is far below what random configurations cost, or far above.
        """
        model = resnet()

        def score(model):
            # Every size counts, but not alike.
            return sum(math.log(h.active / h.max) * (1 + k % 3) for k, h in enumerate(hparams))

        hparams = list(espalier.space(model).values())
        bounds = {"flops": f"{percent}%"}
        result = searched(model, score, bounds=bounds, sampler="random", trials=50)

        assert 50 == len(result.history)
        assert 0.93 <= result.metrics["flops"] / result.constraints["flops"] <= 1

    def test_where_hardly_anything_is_allowed_the_first_is_uniform(self):
        """
        The largest subnet in its proportions; and what is proposed is shrunk, not lost.
        """
        Climbs.made.clear()
        model = resnet()
        space = espalier.space(model)
        result = searched(model, lambda _: 1.0, bounds={"flops": "9%"}, sampler=Climbs, trials=9)
        shares = [h.choices.index(result.history[0].config[n]) for n, h in space.items()]
        lasts = [len(h.choices) - 1 for h in space.values()]
        [sampler] = Climbs.made

        assert 0.2 >= max(s / k for s, k in zip(shares, lasts, strict=True)) - min(
            s / k for s, k in zip(shares, lasts, strict=True)
        )
        assert 9 == len(result.history)
        assert 5 <= sum(what == "adopt" for what, _ in sampler.heard) <= 9
        assert 9 == sum(what == "learn" and r.is_complete for what, r in sampler.heard)

    def test_without_fit_it_says_how_much_was_rejected(self):
        """
        And what share of random configurations is allowed, and what to do; nothing was scored.
        """
        calls = []
        with pytest.raises(ConstraintError) as found:
            searched(
                resnet(),
                calls.append,
                bounds={"flops": "4%"},
                fit=False,
                rejections=300,
            )

        assert [] == calls
        for words in (
            "flops of at most",
            "300 configurations",
            "300 were rejected",
            "0.0%",
            "fit",
        ):
            assert words in str(found.value)

    @pytest.mark.parametrize("budget", ["20%", "70%"])
    def test_a_sampler_that_never_gives_in_is_no_hindrance(self, budget):
        """
        It proposes what is too large each time; what fits is scored, and then what is beside it.
        """
        alone = {"sampler": Stubborn, "fit": False, "rejections": 100}
        result = searched(resnet(), lambda _: 1.0, bounds={"flops": budget}, sampler=Stubborn)

        assert 20 == len(result.history)
        assert 0.9 <= result.metrics["flops"] / result.constraints["flops"] <= 1
        with pytest.raises(ConstraintError, match="100 were rejected"):
            searched(resnet(), lambda _: 1.0, bounds={"flops": budget}, **alone)

    def test_with_fit_off_only_proposals_are_scored(self):
        """
        Nothing that the sampler did not ask for, if that is what is wanted.
        """
        Climbs.made.clear()
        searched(sampler=Climbs, bounds={"flops": "30%"}, fit=False, spend=False)
        [sampler] = Climbs.made

        assert not any(what == "adopt" for what, _ in sampler.heard)

    def test_with_fit_on_nothing_that_was_proposed_is_lost(self):
        """
        Also where the budget is not tight.
        """
        Climbs.made.clear()
        result = searched(sampler=Climbs, bounds={"flops": "60%"}, fit=True, spend=False)
        [sampler] = Climbs.made

        assert any(what == "adopt" for what, _ in sampler.heard)
        assert 20 == len(result.history)


class TestModes:
    def test_a_gradnas_model_is_sorted_by_its_own_importance(self):
        """
        If there are a loss and data, or else by l2; or by what the settings say, or not at all.
        """

        def loss(model, batch):
            return model(batch).square().mean()

        def orders(**more):
            model = converted(mode="gradnas")
            settings = {"sampler": Draws, "trials": 4, "progress": False, **more.pop("says", {})}
            espalier.search(model, constraints={"flops": "60%"}, search_config=settings, **more)
            return {n: o.tolist() for n, o in supernet_of(model).orders.items()}

        def known(importance, **more):
            says = {"importance": importance}
            return orders(says=says, **more)

        facts = {"loss": loss, "data": [images()]}
        gradient, l2 = known("mask_gradient", **facts), known("l2", **facts)

        assert gradient != l2
        assert gradient == orders(**facts)
        assert l2 == orders(score=lambda _: 1.0)
        assert {} == orders(says={"sort": False}, **facts)

    def test_a_mode_without_a_search_of_its_own_can_be_searched(self):
        """
        A mode that only converts names no searcher; without a sampler that is an error.
        """

        class Bare(espalier.ModeDescriptor):
            name = "bare"

        with offered(Bare, others=[SOURCE]):
            model = converted(mode="bare")
            result = searched(model, sampler="draws")

            assert result.metrics["flops"] <= result.constraints["flops"]
            with pytest.raises(espalier.errors.ConversionError, match="A sampler can"):
                espalier.search(model, constraints={"flops": "60%"}, score=lambda _: 1.0)

    def test_a_setting_of_the_modes_own_by_that_name_is_its_own(self):
        """
        A third party's search may itself take a sampler.
        """
        import attrs

        @attrs.frozen
        class Own(espalier.searching.SearchConfig):
            sampler: str = attrs.field(default="", kw_only=True)

        class Smallest(espalier.Searcher):
            config_class = Own

            def search(self, task):
                assert "mine" == self.config.sampler
                return task.space.min()

        class Theirs(espalier.ModeDescriptor):
            name = "theirs"
            searcher_class = Smallest

        with offered(Theirs):
            model = converted(mode="theirs")
            result = espalier.search(
                model,
                constraints={"flops": "60%"},
                score=lambda _: 1.0,
                search_config={"sampler": "mine", "progress": False},
            )

        assert espalier.space(model).min() == result.config

    def test_choices_that_are_no_sizes(self):
        """
        Kernel sizes and depths are proposed like widths.
        """
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(3, 8, 5, padding=2), nn.ReLU(), nn.Conv2d(8, 4, 1))
        rules = {"nn.Conv2d": {"*": {"channel_divisor": 2, "kernel_size": [3, 5]}}}
        model = espalier.convert(model, inputs=torch.zeros(1, 3, 8, 8), config=rules)
        kernels = [n for n in espalier.space(model) if "kernel" in n]
        result = searched(model, lambda _: 1.0, bounds={"params": "80%"}, sampler=Every)

        assert kernels
        assert result == espalier.SearchResult.from_json(result.to_json())
        assert 2 == len({t.config[kernels[0]] for t in result.history})

    def test_prune_takes_a_sampler(self):
        """
        What comes out is plain, smaller and runs; percentages, several bounds and data go on.
        """
        model = small_cnn()
        full = espalier.profile(model, images())
        model, result = espalier.prune(
            model,
            constraints={"flops": "50%", "params": "70%"},
            inputs=images(),
            data=[images()],
            score=Faithful(model, images()),
            config=FINE,
            search_config={"sampler": Draws, "trials": 12, "progress": False},
        )
        found = espalier.profile(model, images())

        assert type(model[0]) is nn.Conv2d
        assert found.flops == result.metrics["flops"] <= 0.5 * full.flops
        assert found.params == result.metrics["params"] <= 0.7 * full.params
        assert (4, 10) == tuple(model(images()).shape)


class TestScores:
    def test_a_score_that_fails_costs_that_trial(self):
        """
        Why is in the history, and in the study's trials, in the same words.
        """
        store = MemoryStore()
        model = converted()
        faithful = Faithful(model, images())

        def fragile(model):
            width = model[0].out_channels
            if width == 8:
                raise MemoryError("no room")
            return math.nan if width == 4 else faithful(model)

        result = searched(model, fragile, trials=40, storage=store)
        reasons = {t.reason for t in result.history}

        assert {"", "raised MemoryError: no room", "returned nan"} == reasons
        assert [t.reason for t in result.history] == [r.reason for r in store.trials()]
        assert not math.isnan(result.score)

    def test_where_every_score_fails_the_next_run_tries_again(self):
        """
        The error says why the first failed; a corrected score goes on with the same study.
        """
        store = MemoryStore()
        broken = [True]

        def score(model):
            if broken:
                raise ValueError("not yet")
            return float(model[0].out_channels)

        model = converted()
        config = espalier.space(model).config()
        with pytest.raises(ScoreError, match=r"nan for all 6 .* raised ValueError: not yet"):
            searched(model, score, trials=6, storage=store)
        assert config == espalier.space(model).config()
        broken.clear()
        result = searched(model, score, trials=6, storage=store)

        assert searched(score=score, trials=6) == result

    @pytest.mark.parametrize("value", ["much", None, True])
    def test_what_is_no_score_ends_the_search(self, value):
        """
        A score that returns no number would for any subnet.
        """
        store = MemoryStore()
        with pytest.raises(ScoreError, match="score must return a number"):
            searched(score=lambda _: value, storage=store)

        assert 1 == sum(r.state is not TrialState.WAITING for r in store.trials())

    def test_an_error_of_the_scores_own_ends_the_search(self):
        """
        And the same call goes on with that subnet once it is corrected.
        """
        store = MemoryStore()
        calls = []

        def score(model):
            calls.append(1)
            if len(calls) == 5:
                raise ScoreError("stop here")
            return float(model[0].out_channels)

        with pytest.raises(ScoreError, match="stop here"):
            searched(score=score, storage=store)
        result = searched(score=score, storage=store)

        assert searched(score=lambda m: float(m[0].out_channels)) == result
        assert 21 == len(calls)


def test_a_study_can_be_looked_at_beside_the_search():
    """
    What is in the store is a study like any other; its best is what the search found.
    """
    store = MemoryStore()
    model = converted()
    result = searched(model, storage=store, study="mine")
    [header] = store.headers()

    assert "mine" == header.name
    assert {"score": "max"} == header.metrics
    study = Study(
        espalier.domains.Space(espalier.space(model)),
        sampler=Draws,
        storage=store,
        name="mine",
        constraints=result.constraints,
        about=header.about,
    )
    assert result.score == study.best().metrics["score"]
    assert len(result.history) == len(study.trials)
