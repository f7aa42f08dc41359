"""What units lose together, and the subnets that follow from it."""

import itertools

import pytest
import torch
from torch import nn

import espalier
from espalier.searching import SearchTask
from espalier.searching.constraints import Constraints
from espalier.searching.searcher import SearchConfig
from espalier_gradnas.estimators import MaskGradient, Taylor
from espalier_gradnas.proposals import proposals
from espalier_gradnas.recording import degradations
from espalier_gradnas.together import MOST_BATCHES, Together

from .networks import draw, seeded


RULES = {"nn.Linear": {"feature_divisor": 2}}


def network(seed=0):
    """Return three layers; inputs ``(N, 6)``, three outputs."""
    return seeded(
        lambda: nn.Sequential(
            nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 10), nn.ReLU(), nn.Linear(10, 3)
        ),
        seed,
    )


def batches(count=4):
    return [draw(16, 6, seed=seed) for seed in range(count)]


def loss(model, batch):
    return (model(batch) - batch[:, :3]).square().mean()


def by_one_mask(model, reader, dropped, batch):
    """Return the derivative by one mask on what layer *reader* reads of the units *dropped*."""
    mask = torch.ones((), requires_grad=True)
    chosen = torch.zeros(model[reader].in_features)
    chosen[dropped] = 1
    handle = model[reader].register_forward_pre_hook(
        lambda _module, args: args[0] * (1 - chosen + chosen * mask)
    )
    loss(model, batch).backward()
    handle.remove()
    return float(mask.grad)


def task_on(model, budget="50%"):
    bounds = Constraints.resolve(model, {"flops": budget})
    return SearchTask(model, bounds, None, loss, batches(), config=SearchConfig(progress=False))


def ranked(make, budget="50%", seed=0):
    """Return a search whose units are sorted, and the estimator that scored them."""
    model = network(seed)
    espalier.convert(model, "gradnas", inputs=batches()[0], config=RULES)
    task = task_on(model, budget)
    return task, espalier.importance.rank(task, make.name)


@pytest.mark.parametrize(("make", "power"), [(MaskGradient, 2), (Taylor, 1)])
def test_units_that_go_together_have_one_mask(make, power):
    """
    For every number of units that may stay, also after units were sorted.
    """
    task, estimator = ranked(make)
    plain = network()
    orders = task.supernet.orders
    for name, reader in (("0.out_features", 2), ("2.out_features", 4)):
        expected = [
            sum(
                abs(by_one_mask(plain, reader, orders[name][kept:], b)) ** power for b in batches()
            )
            for kept in range(task.space[name].units + 1)
        ]

        assert expected == pytest.approx(estimator.together.lost(task.space[name]), rel=1e-4)


def test_what_is_kept_is_bounded():
    """
    Of more batches, the first ones tell.
    """
    task, _ = ranked(MaskGradient)
    hparam = task.space["0.out_features"]
    together = Together(task.supernet)
    one = torch.arange(8.0)
    for _ in range(MOST_BATCHES):
        together.add({hparam: one})
    expected = together.lost(hparam)
    together.add({hparam: one})

    assert MOST_BATCHES * 28.0**2 == expected[0]
    assert expected == together.lost(hparam)


def test_sizes_that_were_not_told_have_sums():
    """
    As those whose layers bring their own mask.
    """
    task, _ = ranked(MaskGradient)
    nothing = Together(task.supernet)

    assert nothing.lost(task.space["0.out_features"]) is None
    assert degradations(task.space) == degradations(task.space, nothing.lost)


def test_a_smaller_choice_never_loses_less():
    """
    Although units that go together may make up for each other.
    """
    task, estimator = ranked(MaskGradient)
    for by_choice in degradations(task.space, estimator.together.lost).losses.values():
        losses = [by_choice[choice] for choice in sorted(by_choice, reverse=True)]

        assert 0.0 == losses[0]
        assert sorted(losses) == losses


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("budget", ["80%", "50%", "25%"])
@pytest.mark.parametrize("knows", [True, False])
def test_proposals_differ_and_use_the_budget_up(seed, budget, knows):
    """
    Each fits, and no size of it could be one choice larger.
    """
    task, estimator = ranked(MaskGradient, budget, seed)
    together = estimator.together if knows else None
    found = list(proposals(task, degradations(task.space), together))

    assert 1 <= len(found) <= 6
    assert all(one != other for one, other in itertools.combinations(found, 2))
    for config in found:
        assert task.allows(config)
        for name, hparam in task.space.items():
            larger = [choice for choice in hparam.choices if choice > config[name]]
            assert not any(task.allows({**config, name: choice}) for choice in larger)
