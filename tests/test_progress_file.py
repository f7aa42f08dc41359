"""A search that writes its progress to a file goes on where it was, and harms no other file."""

import json
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import threading

import numpy as np
import pytest
import torch

import espalier
from espalier import ModeDescriptor, Searcher
from espalier.errors import EspalierError, ScoreError, SearchInterrupted, StateError
from espalier.testing.offering import offered
from tests import survivors
from tests.models import FINE, Faithful, images, small_cnn
from tests.survivors import QUIET, survive
from tests.test_bad_input import assert_unchanged, state_of


ROOT = pathlib.Path(__file__).parents[1]


class Stops:
    """A score that is interrupted at one of its calls."""

    def __init__(self, score, at):
        self._score = score
        self._at = at
        self.calls = 0

    def __call__(self, model):
        self.calls += 1
        if self.calls == self._at:
            raise KeyboardInterrupt
        return self._score(model)


def searched(score, path, *, model=None, mode="fastnas", **more):
    model = espalier.convert(model or small_cnn(), mode, inputs=images(), config=FINE)
    arguments = {"constraints": {"flops": "60%"}, "config": QUIET} | more
    return espalier.search(model, score=score, progress_file=path, **arguments)


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


class TestInterrupt:
    def test_with_a_file_the_search_goes_on(self, path):
        """
        The error says how many were scored, where they are and how to go on.
        """
        faithful = Faithful(small_cnn(), images())
        expected = searched(faithful, None)
        model = small_cnn()
        before = state_of(model)
        with pytest.raises(SearchInterrupted) as found:
            espalier.prune(
                model,
                constraints={"flops": "60%"},
                inputs=images(),
                score=Stops(faithful, 6),
                config=FINE,
                search_config=QUIET,
                progress_file=path,
            )

        assert f"5 configurations were scored, which are in {path}; call it with" in str(
            found.value
        )
        assert expected.history[:5] == found.value.history
        assert_unchanged(before, model)
        rest = Stops(faithful, -1)
        assert expected == searched(rest, path)
        assert len(expected.history) - 5 == rest.calls

    def test_without_a_file_what_was_found_is_in_the_error(self):
        """
        It has the history, and the best that satisfies the constraints.
        """
        faithful = Faithful(small_cnn(), images())
        with pytest.raises(
            KeyboardInterrupt, match=r"7 configurations .* pass progress_file="
        ) as e:
            searched(Stops(faithful, 8), None, constraints={"flops": "85%"})

        assert 7 == len(e.value.history)
        result = e.value.result
        assert result.history == e.value.history
        assert result.metrics["flops"] <= result.constraints["flops"]
        able = [
            trial.score
            for trial in result.history
            if _flops(trial.config) <= result.constraints["flops"]
        ]
        assert max(able) == result.score

    def test_there_may_be_nothing_that_fits(self):
        """
        Then there is no result, and the history all the same.
        """
        with pytest.raises(SearchInterrupted) as found:
            searched(Stops(lambda _: 1.0, 2), None, constraints={"flops": "10%"})

        assert found.value.result is None
        assert 1 == len(found.value.history)

    def test_what_handles_errors_lets_it_pass(self):
        """
        It is an interrupt, and no error of Espalier's.
        """
        assert not issubclass(SearchInterrupted, Exception)
        assert not issubclass(SearchInterrupted, EspalierError)

    def test_another_way_to_stop_leaves_the_file_whole(self, path):
        """
        ``SystemExit`` passes as it is.
        """
        faithful, calls = Faithful(small_cnn(), images()), []

        def score(model):
            calls.append(1)
            return sys.exit(3) if len(calls) == stops_at else faithful(model)

        stops_at = 4

        with pytest.raises(SystemExit):
            searched(score, path)

        stops_at = -1

        assert 4 == len(path.read_bytes().splitlines())
        assert searched(faithful, None) == searched(score, path)


def _flops(config):
    model = espalier.convert(small_cnn(), inputs=images(), config=FINE)
    return espalier.profile(model, config=config).flops


def others():
    """Yield what differs from the search that wrote the file, and what is said then."""
    faithful = Faithful(small_cnn(), images())
    yield "weights", {"model": small_cnn(seed=1)}, "weights is .* in the file and .* here"
    yield "constraints", {"constraints": {"flops": "50%"}}, "constraints.flops is '60%' in the"
    yield (
        "more constraints",
        {"constraints": {"flops": "60%", "params": 1e4}},
        "constraints.params is None in the file and 10000.0 here",
    )
    yield "settings", {"config": {**QUIET, "spend": False}}, "settings.spend is True in the file"
    yield "mode", {"mode": "gradnas", "loss": len, "data": [1]}, "mode is 'fastnas' in the file"
    yield "score", {"score": faithful.__call__}, "score is 'Faithful' in the file"


@pytest.mark.parametrize("name", [name for name, _, _ in others()])
def test_the_file_of_another_search_is_refused(name, written):
    """
    The error names what differs, in the file and here; file and model are as before.
    """
    before = written.read_bytes()
    [(changes, message)] = [(c, m) for n, c, m in others() if n == name]
    arguments = {"score": Faithful(small_cnn(), images())} | changes
    with pytest.raises(StateError, match=rf"{message}.*delete the file to begin anew"):
        searched(arguments.pop("score"), written, **arguments)

    assert before == written.read_bytes()


def test_the_file_of_another_model_leaves_the_model_alone(written):
    """
    The model is as it was before ``prune``.
    """
    model = torch.nn.Sequential(*small_cnn(), torch.nn.ReLU())
    before, file = state_of(model), written.read_bytes()
    with pytest.raises(StateError, match="is the progress of something else"):
        espalier.prune(
            model,
            constraints={"flops": "60%"},
            inputs=images(),
            score=Faithful(model, images()),
            config=FINE,
            search_config=QUIET,
            progress_file=written,
        )

    assert_unchanged(before, model)
    assert file == written.read_bytes()


def test_what_only_shows_progress_does_not_matter(written):
    """
    The bar is no part of a search.
    """
    before = written.read_bytes()
    searched(Faithful(small_cnn(), images()), str(written), config={"progress": True})

    assert before == written.read_bytes()


FOREIGN = {
    "weights": b"\x80\x00\x00\x00\x00\x00\x00\x00{}",
    "text": b"my thesis\n",
    "text without an end": b"my thesis",
    "JSON": b'{"version": 1}\n',
    "an open brace": b"{",
    "what begins as a progress file": b'{"espalier_pro',
    "zeros": bytes(100),
    "an empty line": b"\n",
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_a_file_of_somebody_else_is_left_as_it_is(content, path):
    """
    It is never overwritten, and nothing is scored.
    """
    path.write_bytes(content)
    with pytest.raises(StateError, match="is no progress file of Espalier, and is left as it is"):
        searched(lambda _: pytest.fail("scored"), path)

    assert content == path.read_bytes()


def damaged(lines):
    """Yield files with something wrong, and what is said of it."""
    yield lines[0][:-9] + lines[0][-2:] + b"".join(lines[1:]), "line 1: must be JSON"
    yield b"".join([*lines[:2], b"{}\n", *lines[2:]]), "line 3: must have a field 'random'"
    yield b"".join([*lines[:2], b"xx\n", *lines[2:]]), "line 3: must be JSON"
    score = lines[1].replace(b'"score":', b'"score":"high","was":')
    yield b"".join([lines[0], score, *lines[2:]]), "line 2: must have the fields config, score"
    number = json.loads(lines[1]) | {"score": "high"}
    yield lines[0] + json.dumps(number).encode() + b"\n", "line 2.score: must be a number or null"
    newer = lines[0].replace(b'"espalier_progress":1', b'"espalier_progress":2')
    yield newer, "in format 2, this Espalier reads 1; it is too new: upgrade espalier-core"
    older = lines[0].replace(b'"espalier_progress":1', b'"espalier_progress":0')
    yield older, "in format 0, this Espalier reads 1; it is too old"
    state = json.loads(lines[0])
    state["random"]["torch"] = "AAAA"
    yield json.dumps(state, separators=(",", ":")).encode() + b"\n", r"random\['torch'\]: must be"
    state["random"] = {"dice": 6}
    yield json.dumps(state, separators=(",", ":")).encode() + b"\n", r"'dice'\]: must be one of"


@pytest.mark.parametrize("number", range(9))
def test_a_damaged_file_is_refused(number, written):
    """
    The error says in which line, and the file is left as it is.
    """
    content, message = list(damaged(written.read_bytes().splitlines(keepends=True)))[number]
    written.write_bytes(content)
    with pytest.raises(StateError, match=rf"{written}.*{message}"):
        searched(Faithful(small_cnn(), images()), written)

    assert content == written.read_bytes()


def places(folder):
    (folder / "file").write_text("")
    return {
        "a folder that is not there": (folder / "none" / "progress", "a folder that exists"),
        "a folder": (folder, "must be an ordinary file"),
        "a device": (pathlib.Path("/dev/full"), "must be an ordinary file"),
        "a folder that is a file": (folder / "file" / "progress", "a folder that exists"),
        "where nobody can write": (pathlib.Path("/sys/progress"), "can't be written"),
        "no path": (3, "must be a path or None, got 3"),
    }


@pytest.mark.parametrize("name", places(pathlib.Path("/tmp")))
def test_a_place_that_will_not_do_is_refused_before_any_work(name, tmp_path):
    """
    Nothing is converted, traced or scored before.
    """
    path, message = places(tmp_path)[name]
    model = torch.nn.ReLU()  # would be refused later
    with pytest.raises(StateError, match=message):
        espalier.prune(
            model,
            constraints={},
            inputs="none",
            score=lambda _: pytest.fail("scored"),
            progress_file=path,
        )


def test_a_folder_that_may_not_be_written_is_refused():
    """
    An ordinary user, which this test becomes, is told before any work; the same for a file.
    """
    with tempfile.TemporaryDirectory() as name:
        folder, own = pathlib.Path(name), os.geteuid()
        (folder / "file").write_text("")
        (folder / "file").chmod(0o444)
        folder.chmod(0o555)
        if own == 0:
            os.seteuid(65534)
        try:
            for path in (folder / "progress", folder / "file"):
                with pytest.raises(StateError, match="can't be written: Permission denied"):
                    espalier.prune(small_cnn(), constraints={}, inputs=0, progress_file=path)
        finally:
            os.seteuid(own)
            folder.chmod(0o755)


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
    from espalier.searching.journal import Journal

    journal = Journal(path, {})
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writing)
        os.read(reading, 1)
        os._exit(0)
    try:
        journal.close()
        Journal(path, {}).close()
    finally:
        os.close(writing)
        os.waitpid(child, 0)
        os.close(reading)


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


class Remembering(Searcher):
    """Orders hparams by something that takes long to compute."""

    values = (lambda: {"a": (1, 2)},)
    computed = 0
    after = None

    def search(self, task):
        task.start(1)

        def compute():
            type(self).computed += 1
            torch.randn(3)
            return self.values[0]()

        found = task.remember("units", compute)
        type(self).after = found, task.remember("units", compute), torch.randn(()).item()
        task.score(task.space.min())
        return task.space.min()


class RememberingMode(ModeDescriptor):
    name = "remembering"
    searcher_class = Remembering


@pytest.fixture
def remembering(monkeypatch):
    monkeypatch.setattr(Remembering, "computed", 0)
    with offered(RememberingMode):
        yield lambda score, path: searched(
            score, path, mode="remembering", constraints={"flops": "99%"}
        )


@pytest.mark.parametrize("has_file", [True, False])
def test_what_is_remembered_is_computed_once(has_file, path, remembering, monkeypatch):
    """
    Every float comes back exactly, nan and infinities too, as JSON gives it back; and so does the
    random state that the computation left.
    """
    floats = [random.Random(1).random() * 10**e for e in range(-300, 300, 7)]
    value = {"scores": (*floats, math.nan, math.inf, -math.inf, -0.0), 3: [None, True, "é"]}
    monkeypatch.setattr(Remembering, "values", (lambda: value,))
    torch.manual_seed(3)
    with pytest.raises(SearchInterrupted):
        remembering(Stops(lambda _: 1.0, 1), path if has_file else None)
    first = Remembering.after
    torch.manual_seed(3 if not has_file else 4)
    remembering(Stops(lambda _: 1.0, -1), path if has_file else None)

    assert 1 + (not has_file) == Remembering.computed
    assert repr(first) == repr(Remembering.after)
    kept = Remembering.after[0]
    assert {"scores", "3"} == set(kept)
    assert [repr(f) for f in value["scores"]] == [repr(f) for f in kept["scores"]]
    assert [None, True, "é"] == kept["3"]
    assert repr(kept) == repr(Remembering.after[1])


@pytest.mark.parametrize("value", [{1, 2}, torch.ones(2), object(), {(1, 2): 3}])
@pytest.mark.parametrize("has_file", [True, False])
def test_what_is_remembered_must_be_plain(value, has_file, path, remembering, monkeypatch):
    """
    With or without a file, what could not be kept is an error that names the key.
    """
    monkeypatch.setattr(Remembering, "values", (lambda: value,))
    with pytest.raises(StateError, match="units: what is remembered must be JSON data"):
        remembering(lambda _: 1.0, path if has_file else None)


def test_observers_are_told_of_every_trial_of_a_search_that_goes_on(written):
    """
    Those of this process have not heard of what was scored before.
    """
    from espalier.testing import fake_source

    told = []

    def done(number):
        told.append(number)

    watching = fake_source("watching", espalier_trial_done=done)
    with offered(RememberingMode, others=[watching]):
        result = searched(Faithful(small_cnn(), images()), written)

    assert list(range(len(result.history))) == told


def test_a_search_in_another_thread_is_kept_too(path):
    """
    Nothing of it needs the main thread.
    """
    faithful, found = Faithful(small_cnn(), images()), []
    thread = threading.Thread(target=lambda: found.append(searched(faithful, path)))
    thread.start()
    thread.join()

    assert [searched(faithful, path)] == found
