"""Killed at any moment, a search started again ends in the same result."""

import random
import signal
import time

import pytest

import espalier
from tests import survivors


@pytest.fixture(scope="module")
def expected():
    return survivors.survive()


def finished(process, out):
    process.join(120)
    digest, _, text = out.read_text().partition("\n")
    return espalier.SearchResult.from_json(text), digest


def killed(path, calls, rng, times, **more):
    """Kill a search *times* times, each at a random moment; return how often it was alive."""
    was_killed = 0
    for _ in range(times):
        process = survivors.child(path, path.with_name("unused"), calls=calls, **more)
        time.sleep(rng.uniform(0.1, 1.5))
        process.kill()
        process.join()
        was_killed += process.exitcode == -signal.SIGKILL
    return was_killed


def check(tmp_path, expected, seed, times, seconds):
    path, calls = tmp_path / "progress", tmp_path / "calls"
    count = killed(path, calls, random.Random(seed), times, seconds=seconds)
    out = tmp_path / "out"

    assert expected == finished(survivors.child(path, out, calls=calls), out)
    scored = sum(not trial.reason for trial in expected[0].history)
    assert scored <= calls.stat().st_size <= scored + count


def test_a_search_that_is_killed_ends_in_the_same_result(tmp_path, expected):
    """
    Result, history and weights are the same to the bit, random scores and failures included, and
    each kill costs one evaluation at most.
    """
    check(tmp_path, expected, seed=1, times=4, seconds=0.05)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_a_search_that_is_killed_often_ends_in_the_same_result(seed, tmp_path, expected):
    """
    The same at a hundred more moments.
    """
    check(tmp_path, expected, seed=100 + seed, times=10, seconds=0.02)


def test_a_search_that_is_killed_while_it_writes_goes_on(tmp_path, expected):
    """
    The process dies with half of a record written; what is whole is kept.
    """
    path = tmp_path / "progress"
    survivors.survive(path)
    whole = path.read_bytes()
    for number in (1, 8):
        path.unlink()
        process = survivors.child(path, tmp_path / "out", dies_in_record=number)
        process.join(120)

        assert -signal.SIGKILL == process.exitcode
        torn = path.read_bytes()
        assert whole.startswith(torn)
        assert number - 1 == torn.count(b"\n")
        assert not torn.endswith(b"\n")
        assert expected == survivors.survive(path)
        assert whole == path.read_bytes()
