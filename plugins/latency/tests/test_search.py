"""A bound on latency, from the first measurement to the exported model."""

import copy
import random
import time

import pytest
import structlog
import torch
from torch import nn

import espalier
from espalier.errors import ConstraintError
from espalier_latency import Effort, LatencyMs, latency_model
from espalier_latency.metric import Bench
from espalier_latency.timing import Turns, clock_for, take_turns


CPU = torch.device("cpu")
RULES = {"nn.Linear": {"feature_divisor": 64}}


@pytest.fixture
def perceptron():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Linear(128, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 8)
        ).eval()


@pytest.fixture
def inputs():
    return torch.randn(64, 128, generator=torch.Generator().manual_seed(1))


def widths(model):
    return float(sum(m.out_features for m in model if isinstance(m, nn.Linear)))


def taken(machine, model, inputs):
    """Return the seconds of one pass."""
    start = machine()
    with torch.inference_mode():
        model(inputs)
    return machine() - start


def test_the_exported_model_keeps_its_bound(perceptron, inputs, machine, monkeypatch):
    """
    Timed without the plug-in it takes the share of its time that was asked for, or less.
    """
    effort = Effort(subnets=16, rounds=3, confirming_rounds=3, turn_seconds=0.0)
    monkeypatch.setattr(LatencyMs, "effort", effort)
    model = copy.deepcopy(perceptron)
    with structlog.testing.capture_logs() as logs:
        _, result = espalier.prune(
            model, constraints={"latency_ms": "60%"}, inputs=inputs, score=widths, config=RULES
        )
    events = [log["event"] for log in logs]
    [fitted] = [log for log in logs if log["event"] == "latency_fitted"]
    used = taken(machine, model, inputs)
    limit = 0.6 * taken(machine, perceptron, inputs)

    assert 0.7 * limit <= used <= limit * (1 + 1e-9)
    assert 1000 * used == pytest.approx(result.metrics["latency_ms"])
    assert 1000 * limit == pytest.approx(result.constraints["latency_ms"])
    assert 2 <= fitted["measured"] + events.count("latency_confirmed") <= 60
    assert 0 <= fitted["error_percent"] < 10
    confirmed = [log["ms"] for log in logs if log["event"] == "latency_confirmed"]
    assert round(result.metrics["latency_ms"], 4) in confirmed


def test_on_a_real_clock(perceptron, inputs, monkeypatch):
    """
    What is a little of the work takes less of the time, by the metric and without it.
    """
    monkeypatch.setattr(LatencyMs, "effort", Effort(subnets=8, rounds=5, confirming_rounds=9))
    model = copy.deepcopy(perceptron)
    _, result = espalier.prune(
        model, constraints={"latency_ms": "80%"}, inputs=inputs, score=widths, config=RULES
    )
    runs = [lambda: perceptron(inputs), lambda: model(inputs)]
    turns = take_turns(runs, CPU, rounds=21, seconds=5, turn_seconds=0.002)

    assert 0 < result.metrics["latency_ms"] <= result.constraints["latency_ms"]
    assert turns.ratios[1] < 1


class Times:
    """Stands for a machine that takes a time known beforehand, and counts what it times."""

    def __init__(self, monkeypatch, truth):
        self.configs = []

        def time_(bench, configs, *, is_chosen=False):
            self.configs += configs
            largest = truth(espalier.space(bench.model).max())
            return Turns(largest, (1.0, *(truth(config) / largest for config in configs)))

        monkeypatch.setattr(Bench, "time", time_)


def cubes(config):
    """A time that no family of features has: it is far from any sum."""
    return 1.0 + sum((size / 512) ** 3 for size in config.values())


def test_what_was_fitted_badly_is_measured_and_corrected(perceptron, inputs, monkeypatch):
    """
    The bound holds on the true machine, at most 60 subnets are timed, and most is used: of this
    machine the fit is off by a fifth here and there, and so may be what it leaves.
    """
    machine = Times(monkeypatch, cubes)
    rules = {"nn.Linear": {"feature_divisor": 8}}
    model = espalier.convert(perceptron, inputs=inputs, config=rules)
    for percent in (40, 55, 70, 85):
        machine.configs.clear()
        result = espalier.search(model, constraints={"latency_ms": f"{percent}%"}, score=widths)

        limit = percent / 100 * cubes(espalier.space(model).max())
        assert limit == pytest.approx(result.constraints["latency_ms"])
        assert 0.7 * limit <= cubes(result.config) <= limit * (1 + 1e-9)
        assert cubes(result.config) == pytest.approx(result.metrics["latency_ms"])
        assert result.config in machine.configs
        assert len(machine.configs) < 60


def test_a_bound_below_the_smallest_subnet_is_refused(perceptron, inputs, monkeypatch):
    """
    The message says how small it can get, and asking for that works.
    """
    Times(monkeypatch, cubes)
    model = espalier.convert(perceptron, inputs=inputs, config=RULES)
    with pytest.raises(ConstraintError, match=r"latency_ms: .* smallest subnet has 1\.") as caught:
        espalier.search(model, constraints={"latency_ms": 0.5}, score=widths)
    nearest = float(str(caught.value).partition("' or ")[2].partition(",")[0])
    result = espalier.search(model, constraints={"latency_ms": nearest}, score=widths)

    assert result.metrics["latency_ms"] <= nearest


def test_measuring_leaves_the_model_alone(perceptron, inputs):
    """
    Weights, gradients, flags, buffers and random numbers are as before.
    """
    net = nn.Sequential(perceptron[0], nn.BatchNorm1d(512), nn.Dropout(0.5), *perceptron[1:])
    net[0].weight.grad = torch.ones_like(net[0].weight)
    net.train()
    model = espalier.convert(net, inputs=inputs, config=RULES)
    espalier.space(model).select({"0.out_features": 128})
    before = [t.clone() for t in (*model.parameters(), *model.buffers())]
    state, python = torch.get_rng_state(), random.getstate()
    LatencyMs.effort, effort = Effort(subnets=4, rounds=3), LatencyMs.effort
    try:
        metric = LatencyMs()
        metric.prepare(model)
        metric.confirm(model, espalier.space(model).max())
    finally:
        LatencyMs.effort = effort

    assert torch.equal(state, torch.get_rng_state())
    assert python == random.getstate()
    assert all(module.training for module in model.modules())
    assert all(p.requires_grad for p in model.parameters())
    assert 128 == espalier.space(model).config()["0.out_features"]
    assert torch.equal(torch.ones(512, 128), model[0]._parameters["weight"].grad)
    after = (*model.parameters(), *model.buffers())
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert 5 == len(latency_model(model).measured)


@pytest.mark.parametrize("turn_seconds", [0.0, 1e-6], ids=["once", "repeated"])
def test_turns_tell_how_many_times_longer_something_takes(machine, turn_seconds):
    """
    What does its work three times takes three times as long, however slow each round is.
    """
    calls = []

    def working(times):
        def run():
            calls.append(times)
            busy = 1 + len(calls) // 9 % 4  # the machine is busier in some rounds than in others
            machine.tick(100 * times * busy)

        return run

    runs = [working(1), working(3), working(1)]
    turns = take_turns(runs, CPU, rounds=21, seconds=5, turn_seconds=turn_seconds)

    assert 1.0 == turns.ratios[0]
    assert 3.0 == pytest.approx(turns.ratios[1], rel=0.4)
    assert 1.0 == pytest.approx(turns.ratios[2], rel=0.4)


def test_a_turn_that_was_disturbed_has_no_say(machine):
    """
    Medians are told, so what happens in a few rounds is left out.
    """
    calls = []

    def run():
        calls.append(0)
        machine.tick(1e6 if len(calls) in {20, 41} else 200)

    turns = take_turns([run, run, run], CPU, rounds=21, seconds=5, turn_seconds=0.0)

    assert (1.0, 1.0, 1.0) == pytest.approx(turns.ratios)
    assert 200e-6 == pytest.approx(turns.base_ms)


def test_what_others_do_meanwhile_does_not_count():
    """
    With one thread on a CPU, time asleep is no time.
    """
    clock = clock_for(CPU)
    start = clock()
    time.sleep(0.05)

    assert clock() - start < 0.02


def test_a_model_that_can_not_be_copied_says_so(inputs):
    """
    The error names the cause, and what to bound instead.
    """

    class Stubborn(nn.Linear):
        def __deepcopy__(self, memo):
            raise RuntimeError("there is one of me")

    net = nn.Sequential(Stubborn(128, 512), nn.Linear(512, 8))
    model = espalier.convert(net, inputs=inputs, config=RULES)
    with pytest.raises(ConstraintError, match=r"there is one of me\. Bound flops instead"):
        espalier.search(model, constraints={"latency_ms": "50%"}, score=lambda _: 0.0)


@pytest.mark.parametrize("subnets", [1, 55])
def test_efforts_that_can_not_be(subnets):
    """
    Two subnets are the least to fit to, and some of the 60 are left to confirm with.
    """
    with pytest.raises(ValueError, match="subnets"):
        Effort(subnets=subnets)
