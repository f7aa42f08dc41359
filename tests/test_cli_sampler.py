"""The command `prune` with a sampler."""

import pytest
import torch

import espalier
from espalier.searching import SearchResult
from espalier.testing.offering import offered
from tests.command_line import PRUNE, run_beside_usernet  # noqa: F401 - a fixture
from tests.samplers import SOURCE


@pytest.fixture(autouse=True)
def _samplers():
    with offered(others=[SOURCE]):
        yield


@pytest.fixture
def words(tmp_path):
    (tmp_path / "fine.toml").write_text('["nn.Linear"."*"]\nfeature_divisor = 4\n')
    (tmp_path / "search.toml").write_text('sampler = "draws"\ntrials = 9\nseed = 3\n')
    files = ["--config", "fine.toml", "--out", "net", "--result", "r.json"]
    return [*PRUNE, "--flops", "50%", *files]


def test_a_sampler_by_its_name(run, words, tmp_path):
    """
    It proposes as many subnets as were asked for, and the saved model keeps the budget.
    """
    result = run(*words, "--sampler", "draws", "--trials", "7")
    from usernet import make

    found = SearchResult.load(tmp_path / "r.json")
    model = espalier.restore(make(), tmp_path / "net")

    assert (0, "") == (result.status, result.err)
    assert 7 == len(found.history)
    assert found.metrics["flops"] == espalier.profile(model, torch.zeros(1, 6)).flops
    assert found.metrics["flops"] <= found.constraints["flops"]


def test_settings_of_the_search_from_a_file(run, words, tmp_path):
    """
    What is said on the line comes before what the file says.
    """
    assert 0 == run(*words, "--search", "search.toml").status
    first = SearchResult.load(tmp_path / "r.json")
    assert 0 == run(*words, "--search", "search.toml", "--trials", "4").status
    second = SearchResult.load(tmp_path / "r.json")

    assert [9, 4] == [len(first.history), len(second.history)]
    assert first.history[:4] == second.history


def test_settings_of_the_modes_own_search_from_a_file(run, words, tmp_path):
    """
    A file without a sampler is for the search of the mode.
    """
    (tmp_path / "own.json").write_text('{"max_score_calls": 5, "progress": false}')

    assert 0 == run(*words, "--search", "own.json").status
    assert 5 >= len(SearchResult.load(tmp_path / "r.json").history)


def test_a_command_that_was_stopped_goes_on_with_its_study(run, words, tmp_path):
    """
    It says where the trials are, and scores nothing twice.
    """
    stopping = [word.replace("usernet:score", "usernet:stopping") for word in words]
    study = ["--sampler", "draws", "--trials", "6", "--storage", "study.db"]
    stopped = run(*stopping, *study)
    result = run(*stopping, *study)

    assert [130, 0] == [stopped.status, result.status]
    assert "2 configurations are in study.db; the same command goes on there." in stopped.err
    assert 6 == len(SearchResult.load(tmp_path / "r.json").history)
    assert 7 == (tmp_path / "calls").stat().st_size


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--sampler", "drawz"], "Did you mean 'draws'"),
        (["--trials", "3"], "search_config.trials: there is no such field"),
        (["--sampler", "draws", "--trials", "0"], "must be at least 1"),
        (["--search", "none.toml"], "none.toml"),
    ],
)
def test_what_is_wrong_is_an_error_in_one_line(run, words, more, told):
    """
    Like any other; there is no traceback.
    """
    result = run(*words, *more)

    assert 1 == result.status
    assert told in " ".join(result.err.split())
    assert "Traceback" not in result.err
