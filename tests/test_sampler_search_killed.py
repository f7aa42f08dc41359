"""Killed at any moment, a sampler's search that is started again ends in the same result."""

import pathlib
import random
import signal
import time

import pytest
import structlog
import torch

import espalier
from tests.models import Faithful
from tests.survivors import child
from tests.test_sampler_search_resumed import chain, pruned, vectors


class Slow:
    """A score that takes its time, and counts in a file."""

    def __init__(self, calls):
        self._faithful = Faithful(chain(), vectors())
        self._calls = pathlib.Path(calls)

    def __call__(self, model):
        with self._calls.open("a") as counted:
            counted.write("x")
        time.sleep(0.03)
        return self._faithful(model)


def prune_and_write(path, out, begun, calls, budget):
    """What a process does that may be killed anywhere."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    torch.set_num_threads(1)
    begun.set()
    result, digest = pruned(Slow(calls), budget, storage=path, retries=100)
    pathlib.Path(out).write_text(f"{digest}\n{result.to_json()}")


def size(path):
    return path.stat().st_size if path.exists() else 0


def wait_for(path, least, process):
    """Wait until a file has grown, or the process has ended."""
    while size(path) < least and process.is_alive():
        time.sleep(0.005)


@pytest.mark.slow
@pytest.mark.parametrize(
    "budget", ["60%", pytest.param("6%", marks=pytest.mark.long)], ids=["loose", "tight"]
)
def test_a_search_that_is_killed_ends_in_the_same_result(budget, tmp_path):
    """
    Each kill costs the evaluation in progress at most; its trial is kept as failed, with the
    reason, and was scored again.
    """
    expected = pruned(budget=budget)
    path, out, calls = tmp_path / "study.db", tmp_path / "out", tmp_path / "calls"
    rng, was_killed = random.Random(1), 0
    for _ in range(3):
        process = child(path, out, calls, budget, target=prune_and_write)
        wait_for(calls, size(calls) + rng.randint(1, 6), process)
        time.sleep(rng.uniform(0, 0.06))
        process.kill()
        process.join()
        was_killed += process.exitcode == -signal.SIGKILL
    process = child(path, out, calls, budget, target=prune_and_write)
    process.join(120)
    digest, _, text = out.read_text().partition("\n")

    assert 3 == was_killed
    assert expected == (espalier.SearchResult.from_json(text), digest)
    assert 20 <= calls.stat().st_size <= 20 + was_killed
