"""A search with a bound on latency that is interrupted and goes on."""

import pytest
import torch
from torch import nn

import espalier
from espalier.errors import SearchInterrupted
from espalier_latency import Effort, LatencyMs, latency_model
from espalier_latency.metric import Bench


class Stops:
    """Prefers wide networks, and is interrupted after some calls."""

    def __init__(self, calls):
        self.left = calls

    def __call__(self, model):
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        return float(model[0].out_features + model[2].out_features)


@pytest.fixture
def timed(machine, monkeypatch):
    """Make every measurement on a machine that gets slower, and list what was measured."""
    effort = Effort(subnets=6, rounds=3, confirming_rounds=3, turn_seconds=0.0)
    monkeypatch.setattr(LatencyMs, "effort", effort)
    found, time = [], Bench.time

    def noting(bench, configs, *, is_chosen=False):
        found.extend(configs)
        machine.tick_seconds *= 1.1
        return time(bench, configs, is_chosen=is_chosen)

    monkeypatch.setattr(Bench, "time", noting)
    return found


def converted():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = nn.Sequential(
            nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4)
        )
    rules = {"nn.Linear": {"feature_divisor": 8}}
    return espalier.convert(net.eval(), inputs=torch.zeros(8, 16), config=rules)


def search(model, score, path):
    return espalier.search(
        model, constraints={"latency_ms": "60%"}, score=score, progress_file=path
    )


@pytest.mark.parametrize("calls", [0, 1, 4])
def test_what_was_measured_is_not_measured_again(calls, timed, tmp_path):
    """
    A search that goes on is told the same limit, and fits to the same numbers.
    """
    with pytest.raises(SearchInterrupted):
        search(converted(), Stops(calls), tmp_path / "progress")
    before = list(timed)
    model = converted()
    result = search(model, Stops(-1), tmp_path / "progress")
    base_ms = latency_model(model).base_ms

    assert before
    assert before == timed[: len(before)]
    assert all(each not in before for each in timed[len(before) :] if each != result.config)
    assert base_ms == latency_model(model).latency_ms(espalier.space(model).max())
    assert 0.6 * base_ms == pytest.approx(result.constraints["latency_ms"])


def test_a_search_that_had_ended_tells_the_same_again(timed, tmp_path):
    """
    Nothing is timed, the confirmed latency is that of then, and so is what is told of any subnet.
    """
    models = [converted(), converted()]
    first = search(models[0], Stops(-1), tmp_path / "progress")
    count = len(timed)
    second = search(models[1], Stops(0), tmp_path / "progress")

    assert first == second
    assert count == len(timed) >= 6
    for config in (trial.config for trial in first.history):
        told = [latency_model(model).latency_ms(dict(config)) for model in models]
        assert told[0] == told[1]


def test_a_bound_that_is_refused_leaves_no_file(timed, tmp_path):
    """
    A file that began well stays, with all that is in it.
    """
    path = tmp_path / "progress"
    with pytest.raises(espalier.errors.ConstraintError):
        espalier.search(
            converted(), constraints={"latency_ms": 1e-9}, score=Stops(-1), progress_file=path
        )

    assert not path.exists()
