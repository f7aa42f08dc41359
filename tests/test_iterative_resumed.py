"""Pruning in steps survives a crash at any moment."""

import json
import random
import signal
import time

import pytest
import torch

import espalier
from espalier.errors import StateError
from tests import survivors
from tests.models import images, small_cnn
from tests.survivors import Training, iterate
from tests.test_bad_input import assert_unchanged, state_of


@pytest.fixture(scope="module")
def expected():
    return iterate(finetune=Training())


@pytest.fixture
def path(tmp_path):
    return tmp_path / "progress"


def sets_of_files(folder):
    return {path.name for path in folder.iterdir()}


def test_a_progress_file_changes_nothing_in_the_result(path, expected):
    """
    Finished steps are beside it, and started again nothing is scored or trained.
    """
    assert expected == iterate(path, Training())
    names = [f"progress.step{k}{end}" for k in (1, 2, 3) for end in ("", ".safetensors")]
    assert {"progress", *names} == sets_of_files(path.parent)
    model, training = small_cnn(), Training()
    result, digest = iterate(path, training, model=model)

    assert expected == (result, digest)
    assert [] == training.seen
    assert torch.isfinite(model(images())).all()


@pytest.mark.parametrize("breaks_at", [1, 2, 3])
def test_after_an_error_in_the_training_the_rest_is_done(breaks_at, path, expected):
    """
    Started again, only the training that broke and what comes after it is done.
    """
    with pytest.raises(RuntimeError, match="diverged"):
        iterate(path, Training(breaks_at=breaks_at, error=RuntimeError("diverged")))
    training = Training()

    assert expected == iterate(path, training)
    assert 4 - breaks_at == len(training.seen)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": small_cnn(seed=2)}, "weights is .* in the file"),
        ({"constraints": {"flops": "40%"}}, "constraints.flops is '30%' in the file and '40%'"),
        ({"steps": 4}, "steps is 3 in the file and 4 here"),
        ({"finetune": None}, "finetune is 'Training' in the file and None here"),
        ({"config": {}}, "config.nn.Conv2d is .* in the file and None here"),
        ({"search_config": {"spend": False}}, "settings.spend is True in the file"),
        ({"score": len}, "score is 'Noisy' in the file and 'len' here"),
    ],
)
def test_the_progress_of_other_work_is_refused(change, message, path):
    """
    The error names what differs; no file is changed.
    """
    with pytest.raises(RuntimeError, match="diverged"):
        iterate(path, Training(breaks_at=1, error=RuntimeError("diverged")))
    before = {each.name: each.read_bytes() for each in path.parent.iterdir()}
    with pytest.raises(StateError, match=message):
        iterate(path, **{"finetune": Training(), "score": survivors.Noisy(small_cnn())} | change)

    assert before == {each.name: each.read_bytes() for each in path.parent.iterdir()}


def test_a_model_that_lies_where_a_step_goes_is_left_as_it_is(path):
    """
    It is somebody's, as the progress file is new.
    """
    theirs = path.with_name("progress.step2.safetensors")
    theirs.write_bytes(b"mine")
    with pytest.raises(StateError, match=r"step2.safetensors: is there already"):
        iterate(path, Training())

    assert b"mine" == theirs.read_bytes()


def test_a_step_that_was_damaged_is_refused(path):
    """
    The weights have checksums; the model is as before.
    """
    with pytest.raises(RuntimeError):
        iterate(path, Training(breaks_at=2, error=RuntimeError()))
    saved = path.with_name("progress.step1.safetensors")
    data = bytearray(saved.read_bytes())
    data[-5] ^= 1
    saved.write_bytes(data)
    model = small_cnn()
    before = state_of(model)
    with pytest.raises(StateError, match="weights were altered or damaged"):
        iterate(path, Training(), model=model)

    assert_unchanged(before, model)


def killed_and_finished(path, expected, seed, times):
    rng, calls = random.Random(seed), path.with_name("calls")
    kills = 0
    for number in range(times + 1):
        out = path.with_name("out")
        process = survivors.child(path, out, calls, target=survivors.iterate_and_write)
        if number < times:
            time.sleep(rng.uniform(0.2, 2.5))
            process.kill()
        process.join(120)
        kills += process.exitcode == -signal.SIGKILL
    digest, _, text = out.read_text().partition("\n")

    assert expected == (espalier.SearchResult.from_json(text), digest)
    assert 3 <= calls.stat().st_size <= 3 + kills


def test_killed_anywhere_the_steps_end_in_the_same_result(path, expected):
    """
    In a search, in the training and between them; each kill costs one training at most.
    """
    killed_and_finished(path, expected, seed=1, times=3)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(5))
def test_killed_often_the_steps_end_in_the_same_result(seed, path, expected):
    """
    The same at many more moments.
    """
    killed_and_finished(path, expected, seed=50 + seed, times=10)


def test_the_files_are_plain_data(path):
    """
    JSON a line, and safetensors.
    """
    iterate(path, Training())
    for name in ("progress", "progress.step1"):
        for line in path.with_name(name).read_text().splitlines():
            assert isinstance(json.loads(line), dict)
