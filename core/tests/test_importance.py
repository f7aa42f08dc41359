"""Scores of units: where they come from, where they are kept, and what is refused."""

import copy

import pytest
import torch
from torch import nn

import espalier
from espalier import Hparam, ImportanceEstimator
from espalier.errors import ScoreError
from espalier.importance import UnitScores, estimate, rank
from espalier.importance.magnitude import L1, L2
from espalier.searching import Constraints, SearchConfig, SearchTask
from espalier.spaces.sorting import permute
from espalier.testing.metric_bench import SizesModeDescriptor
from espalier.testing.offering import offered


class Stream(nn.Module):
    """A residual stream, with a hidden layer beside it."""

    def __init__(self):
        super().__init__()
        self.enter = nn.Linear(5, 8)
        self.inner, self.outer = nn.Linear(8, 6, bias=False), nn.Linear(6, 8)
        self.leave = nn.Linear(8, 3)

    def forward(self, x):
        x = self.enter(x)
        return self.leave(x + self.outer(self.inner(x).relu()))


@pytest.fixture
def task():
    with offered(SizesModeDescriptor), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model, config = Stream().eval(), {"nn.Linear": {"feature_divisor": 2}}
        espalier.convert(model, SizesModeDescriptor.name, inputs=torch.randn(4, 5), config=config)
        bounds = Constraints.resolve(model, {"params": "100%"})
        yield SearchTask(model, bounds, None, config=SearchConfig(progress=False))


@pytest.mark.parametrize(("kind", "power"), [(L1, 1), (L2, 2)])
def test_magnitudes_by_group(task, kind, power):
    """
    Rows of what makes a unit, columns of what reads it: each norm over its largest. No biases.
    """
    own = dict(task.model.named_parameters())
    rows = [own["enter.weight"], own["outer.weight"]]
    groups = {
        "enter.out_features": [*rows, own["inner.weight"].T, own["leave.weight"].T],
        "inner.out_features": [own["inner.weight"], own["outer.weight"].T],
    }
    found = {h.name: scores for h, scores in estimate(task, kind()).items()}

    assert set(groups) == set(found)
    for name, parts in groups.items():
        norms = [p.detach().double().reshape(len(p), -1).norm(power, dim=1) for p in parts]
        torch.testing.assert_close(found[name], sum(norm / norm.max() for norm in norms))


def test_scores_go_where_units_go(task):
    """
    They are those of the same units after sorting and shuffling, and in a copy of the model.
    """
    hparam = task.space["enter.out_features"]
    column = dict(task.model.named_parameters())["leave.weight"]
    UnitScores.record(hparam, task.supernet, column.detach()[0].abs().double())
    for seed in range(3):
        order = torch.randperm(8, generator=torch.Generator().manual_seed(seed))
        permute(task.model, task.supernet, {hparam.name: order})
        assert torch.equal(column[0].abs().double(), UnitScores.known(hparam)())
    other = espalier.space(copy.deepcopy(task.model))["enter.out_features"]

    assert torch.equal(column[0].abs().double(), UnitScores.known(other)())


def test_scores_recorded_after_sorting(task):
    """
    A vector is of the units as they stand when it is recorded.
    """
    hparam = task.space["enter.out_features"]
    rank(task, "random")
    scores = torch.arange(8.0)
    UnitScores.record(hparam, task.supernet, scores)

    assert torch.equal(scores, UnitScores.known(hparam)())


def test_instead_of():
    """
    Estimators of other types stay registered, in their order.
    """
    hparam = Hparam([1, 2])
    first = lambda: torch.tensor([1.0, 2.0])  # noqa: E731
    hparam.register_importance(first)
    for score in (3.0, 4.0):
        UnitScores.record(hparam, type("S", (), {"orders": {}}), torch.tensor([score, 0.0]))

    assert first is hparam.estimators[0]
    assert 2 == len(hparam.estimators)
    assert [1.5, 1.0] == hparam.importance.tolist()


class Giving(ImportanceEstimator):
    """Gives what it is told to."""

    name = "giving"
    what = None

    def estimate(self, task):
        return {task.space["enter.out_features"]: self.what}


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (torch.zeros(7), r"must be of shape \(8,\), one number for each of its units; got \(7,\)"),
        ([0.0] * 8, "got list"),
        (torch.tensor([1.0] * 7 + [float("nan")]), "finite and not negative; of unit 7 it is nan"),
        (torch.tensor([1.0, -2.0] * 4), r"of unit 1 it is -2\.0"),
        (torch.tensor([float("inf")] * 8), "of unit 0 it is inf"),
    ],
    ids=["short", "list", "nan", "negative", "infinite"],
)
def test_what_is_no_score_is_refused(task, what, message):
    """
    The message names the size and the importance.
    """
    estimator = Giving()
    estimator.what = what
    with pytest.raises(ScoreError, match=r"enter\.out_features: importance 'giving'") as caught:
        estimate(task, estimator)
    caught.match(message)


def test_what_raises_is_named(task):
    """
    An estimator's own error is told as one, with its cause.
    """
    with pytest.raises(ScoreError, match="'giving' must score the units; it raised TypeError"):
        estimate(task, type("Bad", (Giving,), {"estimate": lambda self, task: {} + 1})())


def test_the_model_is_as_it_was_whatever_was_active(task):
    """
    Scores are those of the largest subnet in evaluation mode, and flags and choices come back.
    """
    expected = estimate(task, L2())
    task.space.select(task.space.min())
    task.model.train()
    seen = []

    class Looking(Giving):
        def estimate(self, task):
            seen.append((task.space.config(), task.model.training))
            torch.rand(1)
            return L2().estimate(task)

    state = torch.random.get_rng_state()
    found = estimate(task, Looking())

    assert [(task.space.max(), False)] == seen
    assert task.space.min() == task.space.config()
    assert task.model.training
    assert torch.equal(state, torch.random.get_rng_state())
    assert all(torch.equal(scores, found[hparam]) for hparam, scores in expected.items())


def test_ranking_keeps_the_function(task):
    """
    The largest subnet computes what it did, with its units in the order of their scores.
    """
    x = torch.randn(4, 5, generator=torch.Generator().manual_seed(1))
    expected = task.model(x)
    rank(task, "l1")

    torch.testing.assert_close(task.model(x), expected)
    for hparam in task.space.values():
        assert bool((hparam.importance[:-1] >= hparam.importance[1:]).all())
