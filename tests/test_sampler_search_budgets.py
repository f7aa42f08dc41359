"""Subnets proposed by any sampler: tight budgets, modes, and scores that fail."""

import math

import attrs
import pytest
import torch
from torch import nn

import espalier
from espalier.errors import ConstraintError, ScoreError
from espalier.sampling import TrialState
from espalier.spaces import supernet_of
from espalier.studies import MemoryStore, Study
from espalier.testing.offering import offered
from tests.models import Faithful, images, small_cnn
from tests.sampler_searches import FINE, converted, resnet, searched
from tests.samplers import SOURCE, Climbs, Draws, Every, Stubborn


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
