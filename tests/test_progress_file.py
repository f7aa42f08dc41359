"""A search that writes its progress to a file goes on where it was, and harms no other file."""

import json
import math
import os
import pathlib
import random
import subprocess
import sys

import numpy as np
import pytest
import torch

from espalier.errors import ScoreError, StateError
from espalier.searching.journal import Journal
from tests import survivors
from tests.models import Faithful, images, small_cnn
from tests.survivors import searched, survive


ROOT = pathlib.Path(__file__).parents[1]


@pytest.fixture(scope="module")
def uninterrupted():
    return survive()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    path = tmp_path_factory.mktemp("finished") / "progress"
    searched(Faithful(small_cnn(), images()), path)
    return path.read_bytes()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "progress"


@pytest.fixture
def written(path, finished):
    path.write_bytes(finished)
    return path


def test_a_progress_file_changes_nothing_in_the_result(path, uninterrupted):
    """
    The history has everything in order, failures too, and the weights are the same to the bit.
    """
    assert uninterrupted == survive(path)
    assert any(trial.reason for trial in uninterrupted[0].history)


def test_a_finished_search_is_not_scored_again(path, uninterrupted):
    """
    The file stays, and started again the search returns the same result from it.
    """
    calls = path.with_name("calls")
    survive(path, calls)
    before, count = path.read_bytes(), calls.stat().st_size

    assert uninterrupted == survive(path, calls)
    assert before == path.read_bytes()
    assert count == calls.stat().st_size


def test_wherever_the_file_ends_the_search_ends_in_the_same_result(path, uninterrupted):
    """
    Cut after any record or in the middle of one, as a kill leaves it, the file is gone on with.
    """
    survive(path)
    whole = path.read_bytes()
    rng = random.Random(1)
    ends = [i + 1 for i, byte in enumerate(whole) if byte == ord("\n")]
    for end in [0, 40, *rng.sample(ends, 4), *rng.sample(range(len(whole)), 6)]:
        path.write_bytes(whole[:end])

        assert uninterrupted == survive(path)
        assert whole == path.read_bytes()


def test_random_states_go_on_where_they_were(path):
    """
    Torch, Python and NumPy draw after a search that was resumed what they draw after a whole one.
    """

    def draws():
        return torch.randn(()).item(), random.random(), np.random.rand()  # noqa: NPY002

    survive()
    expected = draws()
    survive(path)
    assert expected == draws()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:9]))
    survive(path)
    assert expected == draws()
    torch.manual_seed(99)
    survive(path)
    assert expected == draws()


def test_a_score_that_draws_nothing_costs_no_random_states(written):
    """
    Only what changed is written.
    """
    records = [json.loads(line) for line in written.read_text().splitlines()]

    assert {"torch", "python", "numpy"} == set(records[0]["random"])
    assert [{}] == [*{json.dumps(r["random"]): r["random"] for r in records[1:]}.values()]


def test_scores_are_kept_exactly(path):
    """
    Every bit of a score comes back.
    """
    rng = random.Random(3)
    scores = [rng.gauss(0, 1) * 10 ** rng.uniform(-300, 300) for _ in range(100)]
    left = iter(scores)
    first = searched(lambda _: next(left), path)
    second = searched(lambda _: math.nan, path)

    assert [trial.score for trial in first.history] == scores[: len(first.history)]
    assert first == second


def test_a_failure_is_kept_with_its_reason(path):
    """
    What failed is not scored again either, if the search went on.
    """
    calls = []

    def score(_):
        calls.append(1)
        if len(calls) == 3:
            raise RuntimeError("bad luck")
        return -float(len(calls))

    first = searched(score, path)
    count = len(calls)

    assert first == searched(score, path)
    assert count == len(calls)
    assert "raised RuntimeError: bad luck" == first.history[2].reason


def test_what_ended_a_search_is_scored_again(path):
    """
    Whoever corrects a score goes on with the same file; what it gave before stays.
    """
    faithful, calls = Faithful(small_cnn(), images()), []

    def score(model):
        calls.append(1)
        if len(calls) > 1 and is_wrong:
            raise RuntimeError("wrong label")
        return faithful(model)

    expected = searched(faithful, None)
    is_wrong = True
    with pytest.raises(ScoreError, match="wrong label"):
        searched(score, path)
    is_wrong, count = False, len(calls)

    assert expected == searched(score, path)
    assert len(expected.history) - 1 == len(calls) - count


def test_two_searches_never_share_a_file(path):
    """
    The second is refused, in this process and in another; the first is not disturbed.
    """
    refused, faithful = [], Faithful(small_cnn(), images())

    def score(model):
        if not refused:
            with pytest.raises(StateError, match="is in use by another search") as found:
                searched(faithful, path)
            refused.append(str(found.value))
            survivors.child(path, path.with_name("out")).join(120)
            refused.append(path.with_name("out").read_text())
        return faithful(model)

    assert searched(faithful, None) == searched(score, path)
    assert all("is in use by another search" in text for text in refused)
    assert 2 == len(refused)


def test_a_forked_child_does_not_keep_the_file(path):
    """
    A worker that outlives a killed search does not lock it.
    """
    journal = Journal(path, {})
    ours, theirs = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.write(theirs[1], b"x")
        os.read(ours[0], 1)
        os._exit(0)
    os.read(theirs[0], 1)
    try:
        with pytest.raises(StateError, match="in use"):
            Journal(path, {})
        os.close(journal._file._descriptor)  # as a kill does
        journal._file._descriptor = -1
        Journal(path, {}).close()
    finally:
        os.write(ours[1], b"x")
        os.waitpid(child, 0)
        for end in (*ours, *theirs):
            os.close(end)


def test_a_full_disk_ends_the_search_with_what_was_kept(path, monkeypatch, uninterrupted):
    """
    The error is clear, the records are whole, and with room again the search goes on.
    """
    code = f"""
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
from tests.survivors import main
main({str(path)!r}, {str(path.with_name("out"))!r})
print(open({str(path.with_name("out"))!r}).read())
"""
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )

    assert "progress can't be written: File too large." in found.stdout
    assert "start again with the same arguments" in found.stdout
    assert 50_000 < path.stat().st_size <= 100_000
    assert path.read_bytes().endswith(b"\n")
    assert uninterrupted == survive(path)
