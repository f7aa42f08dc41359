"""From scores to a subnet."""

import itertools

import pytest
import torch
from torch import nn

import espalier
from espalier.errors import ScoreError
from espalier_gradnas import GradientBinarySearcher, GradientDataManager

from .networks import draw, scores_of, seeded


QUIET = {"progress": False}
RULES = {"nn.Linear": {"feature_divisor": 2}}
BUDGETS = ["85%", "60%", "40%", "20%"]


def chain(seed=0):
    """Return a chain of layers; inputs ``(N, 6)``, three outputs."""
    widths = [6, 16, 12, 16, 3]

    def make():
        layers = [(nn.Linear(a, b), nn.ReLU()) for a, b in itertools.pairwise(widths)]
        return nn.Sequential(*itertools.chain(*layers))[:-1]

    return seeded(make, seed)


def batches():
    return [draw(16, 6, seed=seed) for seed in range(4)]


def loss(model, batch):
    return (model(batch) - batch[:, :3]).square().mean()


def searched(model, *, budget="50%", loss=loss, score=None, **settings):
    espalier.convert(model, "gradnas", inputs=batches()[0], config=RULES)
    result = espalier.search(
        model,
        constraints={"flops": budget},
        loss=loss,
        data=batches(),
        score=score,
        config={**QUIET, **settings},
    )
    return model, result


@pytest.mark.parametrize("factor", [1e-6, 0.01, 100.0, 1e6])
@pytest.mark.parametrize("budget", BUDGETS)
def test_the_scale_of_the_loss_does_not_matter(factor, budget):
    """
    The loss times a constant keeps the same units of the same sizes.
    """
    expected, before = searched(chain(), budget=budget)
    model, after = searched(chain(), budget=budget, loss=lambda m, b: factor * loss(m, b))

    assert before.config == after.config
    assert all(
        torch.equal(value, model.state_dict()[name])
        for name, value in expected.state_dict().items()
    )


def test_units_are_sorted_by_score():
    """
    After a search the scores fall from unit to unit, and are those of before by unit.
    """
    expected = scores_of(chain(), loss, batches(), batches()[0], RULES)
    model, _ = searched(chain())

    for name, hparam in espalier.space(model).items():
        assert bool((hparam.importance[:-1] >= hparam.importance[1:]).all())
        best = expected[name].sort(descending=True).values
        torch.testing.assert_close(hparam.importance, best / best[0])


def test_unsorted_units_stay_where_they_are():
    """
    Then a choice drops the last ones, whatever they score.
    """
    model, _ = searched(chain(), sort=False)
    plain = chain()

    assert all(
        torch.equal(value, plain.state_dict()[name]) for name, value in model.state_dict().items()
    )


@pytest.mark.parametrize("sort", [True, False])
@pytest.mark.parametrize("budget", BUDGETS)
def test_the_threshold_is_the_least_that_fits(sort, budget):
    """
    Trying every sum of scores that a choice drops, in ascending order, gives the same subnet.
    """
    scores = scores_of(chain(), loss, batches(), batches()[0], RULES)
    model, result = searched(chain(), budget=budget, sort=sort, spend=False)
    space = espalier.space(model)
    lost = {}
    for name, hparam in space.items():
        own = scores[name].sort(descending=True).values if sort else scores[name]
        lost[name] = {choice: float(own[choice:].sum()) for choice in hparam.choices}
    thresholds = sorted({value for by_choice in lost.values() for value in by_choice.values()})

    def within(threshold):
        slack = threshold * (1 + 1e-9)
        return {n: min(c for c, v in by.items() if v <= slack) for n, by in lost.items()}

    flops = espalier.metrics["flops"]()
    limit = result.constraints["flops"]
    fitting = (c for c in map(within, thresholds) if flops.measure(model, c) <= limit)

    assert next(fitting) == result.config


def test_spending_uses_the_budget_up():
    """
    With the last pass no size could be one choice larger.
    """
    model, result = searched(chain(), budget="55%")
    measure = espalier.metrics["flops"]().measure
    for name, hparam in espalier.space(model).items():
        for larger in (c for c in hparam.choices if c > result.config[name]):
            grown = measure(model, {**result.config, name: larger})
            assert grown > result.constraints["flops"]


def test_one_subnet_is_scored():
    """
    Where none are compared: by minus the mean loss over all batches, or by the score if given.
    """
    model, result = searched(chain(), refine=0)
    with torch.no_grad():
        expected = -sum(float(loss(model, batch)) for batch in batches()) / 4
    _, judged = searched(chain(), score=lambda model: 7.0, refine=0)

    assert expected == pytest.approx(result.score)
    assert 7.0 == judged.score
    assert [result.config] == [trial.config for trial in result.history]
    assert result.config == judged.config


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("budget", BUDGETS)
def test_the_best_by_score_is_chosen(seed, budget):
    """
    Of no more subnets than asked for, each scored once, the threshold's among them.
    """
    _, plain = searched(chain(seed), budget=budget, refine=0)
    by_most = {most: searched(chain(seed), budget=budget, refine=most)[1] for most in (1, 3, 5)}

    assert plain.config == by_most[1].config
    for most, result in by_most.items():
        scored = [trial.config for trial in result.history]
        best = max(result.history, key=lambda trial: trial.score)
        assert best.config == result.config
        assert plain.config == scored[0]
        assert len(scored) <= most
        assert all(one != other for one, other in itertools.combinations(scored, 2))


def test_some_subnets_are_better_than_that_of_the_threshold():
    """
    Or comparing them would be for nothing. Few of so small a network use as much of a budget.
    """
    before = searched(chain(2), budget="40%", refine=0)[1]
    after = searched(chain(2), budget="40%")[1]

    assert after.score > before.score


def test_a_score_that_tells_nothing_leaves_the_threshold():
    """
    Of equals the first is taken, and of those that have a score where others have none.
    """
    _, plain = searched(chain(2), budget="40%", refine=0)
    _, flat = searched(chain(2), budget="40%", score=lambda model: 7.0)
    answers = iter([float("nan"), 1.0, 1.0, 1.0, 1.0])
    _, broken = searched(chain(2), budget="40%", score=lambda model: next(answers))

    assert len(flat.history) > 1
    assert plain.config == flat.config
    assert broken.history[1].config == broken.config


def test_a_budget_for_everything_keeps_everything():
    """
    Also units that score nothing.
    """
    model, result = searched(chain(), budget="100%")

    assert espalier.space(model).max() == result.config


def test_searching_again_scores_again():
    """
    Scores of an earlier search do not add to those of a later one, wherever units were put.
    """
    model, first = searched(chain(), budget="40%")
    again = espalier.search(
        model, constraints={"flops": "40%"}, loss=loss, data=batches(), config=QUIET
    )
    importances = {n: h.importance for n, h in espalier.space(model).items()}
    fresh, _ = searched(chain(), budget="40%")

    assert first.config == again.config
    for name, hparam in espalier.space(fresh).items():
        torch.testing.assert_close(importances[name], hparam.importance)


class TestTakingOver:
    """A third party scores the units of its own layer type."""

    class Doubling(nn.Linear):
        """A layer with a `forward` of its own."""

        def forward(self, x):
            return 2 * super().forward(x)

    @pytest.fixture
    def make(self, monkeypatch):
        calls = []

        def setup(module):
            data = GradientDataManager((module.out_features,), module)
            handle = module.register_forward_hook(lambda _m, _i, out: 3 * out * data.mask)
            calls.append(data)
            return data, handle

        monkeypatch.setitem(GradientBinarySearcher.SETUP_GRADIENT_FUNC, self.Doubling, setup)

        def model():
            return seeded(
                lambda: nn.Sequential(
                    self.Doubling(6, 8), nn.ReLU(), nn.Linear(8, 10), nn.ReLU(), nn.Linear(10, 3)
                )
            )

        return model, calls

    def test_its_scores_are_the_units(self, make):
        """
        The sizes of other types are scored from weights, under the same hooks.
        """
        model, calls = make
        setups = GradientBinarySearcher.SETUP_GRADIENT_FUNC
        found = scores_of(model(), loss, batches(), batches()[0], RULES, setups)

        assert 1 == len(calls)
        torch.testing.assert_close(calls[0].score, found["0.out_features"])
        assert {"0.out_features", "2.out_features"} == set(found)
        assert bool(found["2.out_features"].any())

    def test_hooks_are_taken_away(self, make):
        """
        Also where the loss breaks.
        """
        model, _ = make
        network, plain = model(), model()
        searched(network)
        assert not any(module._forward_hooks for module in network.modules())

        with pytest.raises(ScoreError, match="finite"):
            searched(plain, loss=lambda m, b: loss(m, b) * float("nan"))
        assert not any(module._forward_hooks for module in plain.modules())

    def test_another_number_of_scores_is_an_error(self, make, monkeypatch):
        """
        The message says how many there must be.
        """
        model, _ = make

        def setup(module):
            data = GradientDataManager((1,), module)
            return data, module.register_forward_hook(lambda _m, _i, out: out * data.mask)

        monkeypatch.setitem(GradientBinarySearcher.SETUP_GRADIENT_FUNC, self.Doubling, setup)
        with pytest.raises(ScoreError, match="each of its 8 units"):
            searched(model())

    def test_the_manager_may_name_the_size(self):
        """
        A layer may score another size than its outputs, such as its inputs.
        """

        class Reader(nn.Linear):
            pass

        def setup(module):
            hparam = module.hparams["in_features"]
            data = GradientDataManager((module.in_features,), module, hparam=hparam)
            return data, module.register_forward_pre_hook(lambda _m, args: args[0] * data.mask)

        def make():
            layers = [nn.Linear(6, 16), nn.ReLU(), Reader(16, 8), nn.ReLU(), nn.Linear(8, 3)]
            return seeded(lambda: nn.Sequential(*layers))

        expected = scores_of(make(), loss, batches(), batches()[0], RULES)
        found = scores_of(make(), loss, batches(), batches()[0], RULES, {Reader: setup})

        assert set(expected) == set(found)
        for name, vector in expected.items():
            torch.testing.assert_close(found[name], vector)


class TestScoreFunction:
    def test_it_is_minus_what_is_dropped(self):
        """
        Nothing at the largest subnet, and the sum of the lowest scores at smaller ones.
        """
        scores = scores_of(chain(), loss, batches(), batches()[0], RULES)
        model, _ = searched(chain())
        space = espalier.space(model)
        score = GradientBinarySearcher.gradnas_score_func
        space.select(space.max())

        assert 0.0 == score(model)

        space.select({"0.out_features": 6, "4.out_features": 10})
        expected = sum(
            float(scores[name].sort().values[:count].sum())
            for name, count in (("0.out_features", 10), ("4.out_features", 6))
        )
        assert -expected == pytest.approx(score(model))

    def test_units_that_were_not_scored(self):
        """
        The message says what to do first.
        """
        model = espalier.convert(chain(), "gradnas", inputs=batches()[0], config=RULES)
        with pytest.raises(ScoreError, match="must be scored before"):
            GradientBinarySearcher.gradnas_score_func(model)


def test_tied_sizes_lose_the_scores_of_all():
    """
    A size that leads another costs what both drop.
    """
    model = chain()
    espalier.convert(model, "gradnas", inputs=batches()[0], config=RULES)
    espalier.space(model).tie(["0.out_features", "4.out_features"])
    espalier.search(model, constraints={"flops": "60%"}, loss=loss, data=batches(), config=QUIET)
    space = espalier.space(model)
    space.select({**space.max(), "0.out_features": 8})
    scores = scores_of(chain(), loss, batches(), batches()[0], RULES)
    expected = sum(
        float(scores[name].sort().values[:8].sum())
        for name in ("0.out_features", "4.out_features")
    )

    assert -expected == pytest.approx(GradientBinarySearcher.gradnas_score_func(model))
