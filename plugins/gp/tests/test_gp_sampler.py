"""What the sampler proposes."""

import math
import random

import numpy as np
import pytest

from espalier.sampling import TrialState
from espalier_gp import Effort
from espalier_gp.acquisition.hypervolume import hypervolume
from espalier_gp.region import length

from .samplers import bowl, make, mixed, numbers, told


# --- What it finds. -----------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["min", "max"])
@pytest.mark.parametrize("acquisition", ["log_ei", "noisy_ei", "ucb"])
def test_it_finds_the_bottom_of_a_bowl(acquisition, way):
    """
    In a few trials, whichever way the metric is to go.
    """
    sign = 1 if way == "min" else -1
    sampler = make(metrics=way, acquisition=acquisition, beta=1.0)
    told(sampler, 20, lambda config: sign * bowl(config))
    best = min(sign * record.metrics["score"] for record in sampler.records)

    assert best < 2e-3


@pytest.mark.parametrize(
    "settings",
    [
        {"warping": True},
        {"mcmc_samples": 3},
        {"target": "standard"},
        {"target": "yeo_johnson"},
        {"target": "shifted_log"},
        {"target": "copula"},
    ],
)
def test_every_setting_finds_it(settings):
    """
    And proposes the same again.
    """
    count = 10 if "mcmc_samples" in settings else 14
    first, second = make(**settings), make(**settings)
    found = told(first, count)
    assert found == told(second, count)
    assert min(map(bowl, found)) < 2e-2


@pytest.mark.parametrize("settings", [{}, {"mcmc_samples": 1, "target": "standard"}])
def test_a_seed_below_0_is_a_seed(settings):
    """
    It proposes the same again, and something else than its opposite.
    """
    first, second, other = (make(seed=seed, startup=2, **settings) for seed in (-1, -1, 1))
    found = told(first, 3)
    assert found == told(second, 3)
    assert found != told(other, 3)


def test_choices_and_what_is_beside_them_are_found():
    """
    In a space of numbers, steps, choices and a parameter beside a choice.
    """

    def judge(config):
        beside = abs(math.log10(config["kind.b.y"]) + 2) if config["kind"] == "b" else 1.0
        return (
            (config["x"] - 0.7) ** 2 + (config["n"] - 4) ** 2 / 20 + beside + config["size"] / 32
        )

    sampler = make(mixed())
    found = told(sampler, 40, judge)
    best = min(found, key=judge)

    assert ("b", 4, 8) == (best["kind"], best["n"], best["size"])
    assert judge(best) < 0.3


def test_a_bound_is_kept():
    """
    Of a metric that is modelled by itself, when the best of all is beyond it.
    """

    def judge(config):
        return {"loss": bowl(config), "cost": 1 - config["x0"]}

    sampler = make(metrics={"loss": "min"}, constraints={"cost": 0.4})
    told(sampler, 25, judge)
    kept = [r for r in sampler.records if r.metrics["cost"] <= 0.4]

    assert min(record.metrics["loss"] for record in kept) < 0.09 + 0.01
    assert len(kept) > 12


def test_where_no_bound_is_kept_it_is_looked_for():
    """
    Before anything is known to keep it.
    """

    def judge(config):
        return {"loss": 0.0, "cost": (config["x0"] - 0.9) ** 2 + (config["x1"] - 0.9) ** 2}

    sampler = make(metrics={"loss": "min"}, constraints={"cost": 1e-3})
    told(sampler, 20, judge)
    assert min(record.metrics["cost"] for record in sampler.records) <= 1e-3


@pytest.mark.parametrize("count", [2, 3])
def test_a_front_grows_faster_than_by_chance(count):
    """
    It dominates more after 20 trials than random ones do after 30.
    """
    corners = np.array([[0.2, 0.2], [0.8, 0.2], [0.2, 0.8]])[:count]

    def judge(config):
        point = np.array([config["x0"], config["x1"]])
        return [float(((point - corner) ** 2).sum()) for corner in corners]

    sampler = make(
        metrics={f"m{place}": "min" for place in range(count)}, startup=6, effort=Effort()
    )
    found = np.array([judge(config) for config in told(sampler, 20, judge)])
    rng = random.Random(0)
    by_chance = np.array([judge(sampler.space.sample(rng)) for _ in range(30)])
    reference = np.full(count, 0.6)

    assert hypervolume(by_chance, reference) < hypervolume(found, reference)


def test_four_metrics_are_scalarised():
    """
    Each comes near to its best, in one trial or another.
    """
    corners = np.array([[0.2, 0.2], [0.8, 0.2], [0.2, 0.8], [0.8, 0.8]])

    def judge(config):
        point = np.array([config["x0"], config["x1"]])
        return [float(((point - corner) ** 2).sum()) for corner in corners]

    sampler = make(metrics={f"m{place}": "min" for place in range(4)})
    found = np.array([judge(config) for config in told(sampler, 25, judge)])
    assert (found.min(0) < 0.1).all()


def test_many_dimensions_stay_in_a_box():
    """
    With more than 20, 40 trials are better than 400 random ones.
    """
    sampler = make(numbers(24), startup=6, seed=0, effort=Effort())
    found = [bowl(config) for config in told(sampler, 40)]
    rng = random.Random(0)
    assert min(found) < min(bowl(sampler.space.sample(rng)) for _ in range(400))


@pytest.mark.parametrize(
    ("results", "expected"),
    [([5, 4, 3], 1.6), ([5, 4], 0.8), ([5, math.inf], 0.8), ([5, math.inf, math.inf], 0.4)],
)
@pytest.mark.parametrize("before", [math.inf, 9.0])
def test_the_first_result_within_the_bounds_is_a_success(before, results, expected):
    """
    The box takes it as it takes one that is better than those before.
    """
    assert expected == length([before] * 4 + results, dimensions=2, startup=4)


def test_several_at_once_are_apart():
    """
    What runs is taken into account.
    """
    sampler = make()
    told(sampler, 10)
    trials = sampler.ask(4)
    points = [tuple(trial.config.values()) for trial in trials]

    assert 4 == len(set(points))
    spread = max(
        abs(a - b) for one in points for other in points for a, b in zip(one, other, strict=True)
    )
    assert spread > 1e-3


@pytest.mark.parametrize("fidelity", ["product", "decay"])
def test_reports_of_stopped_trials_are_learned_from(fidelity):
    """
    A few whole trials and many that were stopped early lead to the bottom.
    """
    sampler = make(fidelity=fidelity, startup=3)
    for number in range(24):
        trial = sampler.ask()
        curve = {step: bowl(trial.config) + 1 / step for step in (1, 2, 4, 8)}
        if number < 4:
            result = {"score": curve[8]}
            sampler.update_trial(trial.number, result, TrialState.COMPLETE, curve)
        else:
            part = {step: curve[step] for step in (1, 2)}
            sampler.update_trial(trial.number, None, TrialState.STOPPED_EARLY, part)
    best = min(bowl(record.config) for record in sampler.records)

    assert best < 1e-2
