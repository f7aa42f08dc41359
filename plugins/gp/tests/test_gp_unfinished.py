"""What runs, failed, was stopped or dropped is taken into account, beside bounds too."""

import math

import numpy as np
import pytest
import torch

from espalier import Categorical, Float, Study
from espalier.sampling import TrialRecord, TrialState

from .samplers import bowl, dropped, make, numbers, told


def distance(one, other):
    return math.dist(one.values(), other.values())


def nearest(configs):
    return min(distance(a, b) for at, a in enumerate(configs) for b in configs[:at])


def drawn(count, judge, seed=1):
    """Records of random points with their results."""
    rng = np.random.default_rng(seed)
    configs = [
        dict(zip(("x0", "x1"), map(float, rng.random(2)), strict=True)) for _ in range(count)
    ]
    return [
        TrialRecord(number, config, TrialState.COMPLETE, *judge(config))
        for number, config in enumerate(configs)
    ]


def costly(config):
    return {"loss": config["x0"] + config["x1"], "cost": 1 - config["x0"]}, {}


# --- Running trials. ----------------------------------------------------------------------------


def test_running_trials_that_report_are_not_proposed_again():
    """
    What they reported is learned from, but for their end something else is proposed.
    """
    steps = range(1, 5)

    def judge(config):
        return {"score": bowl(config)}, {step: bowl(config) + 1 / step for step in range(1, 9)}

    for seed in (1, 2, 3):
        sampler, configs = make(trials=drawn(10, judge, seed)), []
        for _ in range(4):
            trial = sampler.ask()
            configs.append(trial.config)
            reports = {step: bowl(trial.config) + 1 / step for step in steps}
            sampler.update_trial(trial.number, None, TrialState.RUNNING, reports)
        assert nearest(configs) > 0.005


def test_several_at_once_are_apart_where_no_bound_is_kept():
    """
    Each is looked for beside those that were not expected to keep it either.
    """

    def judge(config):
        return {"loss": config["x0"], "cost": 1 + config["x0"] + config["x1"]}, {}

    sampler = make(
        metrics={"loss": "min"}, constraints={"cost": 1.05}, trials=drawn(8, judge, seed=0)
    )
    assert nearest([trial.config for trial in sampler.ask(5)]) > 0.02


@pytest.mark.parametrize("metrics", [1, 2])
def test_a_running_trial_that_breaks_a_bound_is_nothing_to_improve_on(metrics):
    """
    However good it would be.
    """

    def judge(config):
        results, _ = costly(config)
        return {name: (results | {"other": config["x1"]})[name] for name in (*ways, "cost")}, {}

    ways = {"loss": "min", "other": "min"} if metrics == 2 else {"loss": "min"}
    running = TrialRecord(14, {"x0": 0.02, "x1": 0.02}, TrialState.RUNNING)
    trials = [*drawn(14, judge), running]
    sampler = make(metrics=ways, constraints={"cost": 0.4}, trials=trials)

    # 0.6 is the least that keeps the bound.
    assert min(trial.config["x0"] for trial in sampler.ask(3)) > 0.55


# --- Failed, stopped and dropped trials. --------------------------------------------------------


@pytest.mark.parametrize(
    ("fidelity", "reports"), [("product", {}), ("decay", {1: -9.0}), ("ignore", {1: -9.0})]
)
def test_failed_trials_are_bad_news_among_reports(fidelity, reports):
    """
    Also if they reported good ones before, and where others were stopped early.
    """
    sampler, failed = make(numbers(1), fidelity=fidelity), 0
    for number in range(24):
        trial = sampler.ask()
        end = 1 - trial.config["x0"]
        curve = {1: end + 1, 2: end + 0.5, 3: end}
        if number == 0:
            sampler.update_trial(trial.number, None, TrialState.STOPPED_EARLY, {1: end + 1})
        elif trial.config["x0"] > 0.5:
            sampler.update_trial(trial.number, None, TrialState.FAILED, reports)
            failed += number >= 6
        else:
            sampler.update_trial(trial.number, {"score": end}, TrialState.COMPLETE, curve)
    assert failed < 10


def test_failed_trials_are_left_where_no_bound_is_kept():
    """
    What failed is as far beyond a bound as the worst.
    """
    sampler = make(metrics={"loss": "min"}, constraints={"cost": 0.3})
    for _ in range(20):
        trial = sampler.ask()
        x, y = trial.config.values()
        if x > 0.6:
            sampler.update_trial(trial.number, None, TrialState.FAILED)
        else:
            sampler.tell(trial, {"loss": x, "cost": 1 - x - 0.2 * y})
    ended = [record for record in sampler.records if record.state is TrialState.COMPLETE]

    assert len(ended) >= 12
    assert min(record.metrics["cost"] for record in ended) <= 0.3


def test_a_stopped_trial_does_not_make_others_keep_a_bound():
    """
    What is to be improved on is the best that keeps it, with reports as without.
    """

    def judge(config):
        results, _ = costly(config)
        return results, {1: results["loss"] + 1, 2: results["loss"]}

    bad = {"x0": 0.99, "x1": 0.99}
    stopped = TrialRecord(12, bad, TrialState.STOPPED_EARLY, {}, {1: 3.0})
    for trials in (drawn(12, judge), [*drawn(12, judge), stopped]):
        sampler = make(metrics={"loss": "min"}, constraints={"cost": 0.4}, trials=trials)
        assert 0.55 < sampler.ask().config["x0"] < 0.75


def test_proposals_that_are_dropped_lead_elsewhere():
    """
    One after the other, away from each other.
    """
    sampler = make()
    told(sampler, 12)
    assert nearest(dropped(sampler, 8)) > 0.01


def test_a_study_with_invalid_configurations_does_not_end_early():
    """
    Not even where the model expects most of what is not valid.
    """

    def objective(trial):
        return (trial["x"] - 0.4) ** 2 + 0.05 * (trial["kind"] == "a")

    study = Study(
        {"x": Float(0, 1), "kind": Categorical(["a", "b"])},
        objective,
        sampler=make({"x": Float(0, 1), "kind": Categorical(["a", "b"])}),
        metrics="min",
        seed=0,
        is_valid=lambda config: config["kind"] == "a" or config["x"] > 0.5,
    )
    study.run(trials=16, progress=False)
    assert 16 == len(study.trials)


# --- How torch is set up. -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "mode", [torch.no_grad, torch.inference_mode, lambda: torch.device("meta")]
)
def test_modes_of_torch_change_nothing(mode):
    """
    As in the midst of an evaluation.
    """
    usual, other = make(), make()
    told(usual, 9)
    with mode():
        told(other, 9)
    assert usual.ask().config == other.ask().config
