"""What the sampler proposes, and that it is the same after a restart."""

import math
import random

import numpy as np
import pytest
import structlog
from structlog.testing import capture_logs

from espalier import Categorical, Float, Integer, Ordinal
from espalier.errors import SamplerError
from espalier.sampling import TrialRecord, TrialState
from espalier_gp import Effort, GPSampler, proposing
from espalier_gp.acquisition.hypervolume import hypervolume


SMALL = Effort(everywhere=64, nearby=32, starts=2, iterations=10, rounds=2)


def numbers(count=2):
    return {f"x{place}": Float(0, 1) for place in range(count)}


def mixed():
    return {
        "x": Float(0, 1),
        "n": Integer(1, 9),
        "kind": Categorical(["a", "b"], when={"b": {"y": Float(1e-3, 1, log=True)}}),
        "size": Ordinal([8, 16, 32]),
    }


def bowl(config):
    return sum((value - 0.3) ** 2 for value in config.values() if isinstance(value, float))


def told(sampler, count, judge=bowl):
    """Ask and tell, and return what was proposed."""
    found = []
    for _ in range(count):
        trial = sampler.ask()
        found.append(trial.config)
        sampler.tell(trial, judge(trial.config))
    return found


def make(space=None, metrics="min", **kwargs):
    return GPSampler(space or numbers(), metrics, **{"seed": 3, "effort": SMALL, **kwargs})


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


# --- That it is the same. -----------------------------------------------------------------------


def asked(sampler, count):
    return [sampler.ask().config for _ in range(count)]


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"space": mixed()},
        {"warping": True},
        {"mcmc_samples": 2, "target": "standard"},
        {"acquisition": "noisy_ei"},
        {"space": numbers(22)},
    ],
)
def test_a_restart_changes_nothing(kwargs):
    """
    A sampler made of the trials of another proposes bit for bit what that one would have.
    """
    first = make(**kwargs)
    told(first, 8 if "mcmc_samples" in kwargs else 23)
    second = make(**kwargs, trials=first.records)

    assert asked(first, 2) == asked(second, 2)


def test_a_restart_among_running_trials_changes_nothing():
    """
    Told in whatever order, only what is known counts.
    """
    first = make()
    told(first, 8)
    trials = first.ask(4)
    for trial in (trials[2], trials[0], trials[3]):
        first.tell(trial, bowl(trial.config))
    second = make(trials=first.records)
    assert asked(first, 2) == asked(second, 2)
    late = trials[1]
    first.tell(late, bowl(late.config))
    third = make(trials=first.records)
    assert asked(first, 1) == asked(third, 1)


def test_it_is_the_same_after_every_trial():
    """
    Whenever it is restarted.
    """
    whole = make()
    configs = told(whole, 18)
    for count in range(0, 18, 3):
        resumed = make(trials=whole.records[:count])
        assert configs[count] == resumed.ask().config


# --- Bad input. ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"acquisition": "ei"}, r"acquisition must be one of log_ei, noisy_ei, ucb, got 'ei'"),
        ({"target": "log"}, r"target must be one of auto, standard"),
        ({"fidelity": "none"}, r"fidelity must be one of product, decay, ignore"),
        ({"startup": 0}, r"startup must be an integer of at least 1, got 0"),
        ({"mcmc_samples": 1.5}, r"mcmc_samples must be an integer of at least 0"),
        ({"fantasies": True}, r"fantasies must be an integer of at least 1"),
        ({"warping": 1}, r"warping must be True or False, got 1"),
        ({"beta": -1}, r"beta must be a number of at least 0"),
        ({"effort": 3}, r"effort must be an Effort"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    """
    The setting, the rule, what came.
    """
    with pytest.raises(SamplerError, match=f"GPSampler: {message}"):
        make(**settings)


def test_a_metric_has_to_be_named():
    """
    With how.
    """
    with pytest.raises(SamplerError, match="optim_metrics must name at least one metric"):
        GPSampler(numbers(), {})


RESULTS = {
    "equal": [1.0] * 12,
    "undefined": [math.nan, math.inf, -math.inf] * 4,
    "one": [0.5],
    "none": [],
    "huge": [1e300, -1e300] * 6,
    "tiny": [k * 1e-300 for k in range(12)],
    "some undefined": [math.nan, 1.0, 2.0, math.inf, 0.5] * 3,
}


@pytest.mark.parametrize("results", RESULTS.values(), ids=list(RESULTS))
@pytest.mark.parametrize("metrics", [{"a": "min"}, {"a": "min", "b": "max"}], ids=["one", "two"])
def test_any_results_lead_to_a_proposal(results, metrics):
    """
    A configuration of the space, whatever was told.
    """
    sampler = make(mixed(), metrics=metrics, startup=1)
    for value in results:
        sampler.tell(sampler.ask(), [value] * len(metrics))
    for _ in range(2):
        config = sampler.ask().config
        assert config == sampler.space.check(config)


def test_a_thousand_results_at_one_point():
    """
    With noise between them.
    """
    rng = np.random.default_rng(0)
    config = {"x0": 0.5, "x1": 0.25}
    trials = [
        TrialRecord(number, config, TrialState.COMPLETE, {"score": float(rng.normal())})
        for number in range(1000)
    ]
    sampler = make(trials=trials)
    assert config != sampler.ask().config


@pytest.mark.parametrize(
    "domain",
    [
        Float(0, 1e-300),
        Float(1.0, float(np.nextafter(1.0, 2.0))),
        Float(-1e300, 1e300),
        Integer(1, 10**30, log=True),
    ],
)
def test_extreme_bounds_are_searched(domain):
    """
    Also where next to nothing is between them.
    """
    sampler = make({"x": domain, "y": Float(0, 1)}, startup=2)
    for config in told(sampler, 6, lambda config: config["y"]):
        assert config == sampler.space.check(config)


def test_one_point_is_proposed_once():
    """
    Then there is nothing left.
    """
    sampler = make({"x": Integer(3, 3)})
    assert {"x": 3} == sampler.ask().config
    with pytest.raises(StopIteration):
        sampler.ask()


def test_a_finite_space_is_gone_through_once():
    """
    Every configuration, none twice; at the end by chance, which is logged.
    """
    space = {"n": Integer(1, 6), "kind": Categorical(["a", "b", "c"])}
    sampler = make(space, startup=3)
    found = told(sampler, 18, lambda config: float(config["n"]))

    assert 18 == len({tuple(config.values()) for config in found})
    with pytest.raises(StopIteration):
        sampler.ask()


def test_without_a_model_it_goes_on_at_random(monkeypatch):
    """
    A kernel matrix that is singular at any jitter is logged, with the reason.
    """
    from espalier_gp.linalg import NotPositiveDefiniteError

    sampler = make()
    told(sampler, 6)

    def fails(*_):
        raise NotPositiveDefiniteError("a kernel matrix must be positive definite")

    monkeypatch.setattr(proposing.Proposer, "ranked", fails)
    structlog.reset_defaults()
    with capture_logs() as logs:
        config = sampler.ask().config

    assert config == sampler.space.check(config)
    assert ["gp_has_no_model", "gp_proposes_at_random"] == [one["event"] for one in logs]
    assert "positive definite" in logs[0]["reason"]


def test_dropped_proposals_are_not_repeated_at_once():
    """
    Until something new is known, another is made.
    """
    sampler = make()
    told(sampler, 8)
    seen = []
    for _ in range(4):
        _, config, _ = sampler.eager_sample()
        sampler.unlock(drop=True)
        seen.append(tuple(config.values()))
    assert 4 == len(set(seen))
