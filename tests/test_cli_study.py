"""The command ``espalier study``."""

import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time

import pytest

from espalier import Study, TrialState
from espalier.studies import read_trials
from tests.command_line import run_beside_usernet  # noqa: F401 - a fixture


#: Objectives of a user's.
OBJECTIVES = """
    import pathlib
    import time


    number = 3


    def one(trial):
        trial.report(0, trial["x"])
        return trial["x"] ** 2


    def two(trial):
        if trial.number == 2:
            raise ValueError("no luck")
        return {"loss": trial["x"] ** 2, "size": abs(trial["x"] - 2), "ms": abs(trial["x"])}


    def bad(trial):
        raise ValueError("never")


    def slow(trial):
        pathlib.Path("began").touch()
        time.sleep(0.5)
        return trial["x"]


    def interrupted(trial):
        if trial.number == 2 and not pathlib.Path("again").exists():
            pathlib.Path("again").touch()
            raise KeyboardInterrupt
        return trial["x"]
"""

SPACE = """
    [x]
    type = "float"
    low = -3
    high = 3

    [opt]
    type = "categorical"
    choices = ["sgd", "adam"]

    [opt.when.sgd.momentum]
    type = "float"
    low = 0
    high = 0.9
"""

QUICK = ["--space", "space.toml", "--sampler", "optuna", "--seed", "3", "--no-progress"]
QUICK += ["--sampler-option", "search_algo=random"]
TWO = ["--metrics", "loss:min,size:min", "--constraint", "ms=2.5"]


@pytest.fixture
def here(run, tmp_path, monkeypatch):
    """Run the command line beside a user's objectives and space."""
    (tmp_path / "tuning.py").write_text(textwrap.dedent(OBJECTIVES))
    (tmp_path / "space.toml").write_text(textwrap.dedent(SPACE))
    monkeypatch.delitem(sys.modules, "tuning", raising=False)
    yield run
    sys.modules.pop("tuning", None)


class TestRun:
    @pytest.mark.parametrize("reference", ["tuning:one", "tuning.py:one"])
    def test_a_study_is_run_and_told(self, here, reference):
        """
        Where it is kept is said, trials are counted, and the best is shown with its values.
        """
        result = here("study", "run", reference, *QUICK, "--metrics", "loss:min", "--trials", "5")
        best = Study.load("study.db").best()

        assert 0 == result.status
        assert "study 'study' in study.db\n" == result.err
        assert "metrics: loss to min\ntrials: 5 complete\n" in result.out
        assert f"the best trial, {best.number}" in result.out
        assert ["loss", f"{best.metrics['loss']:.6g}"] in map(str.split, result.out.splitlines())

    def test_the_same_command_goes_on(self, here):
        """
        Trials that are kept count, and what follows is what one run would have proposed.
        """
        words = ["study", "run", "tuning:one", *QUICK]
        here(*words, "--trials", "3")
        result = here(*words, "--trials", "6")
        here(*words, "--trials", "6", "--storage", "other.db")

        assert "trials: 6 complete" in result.out
        assert [t.config for t in Study.load("other.db").trials] == [
            t.config for t in Study.load("study.db").trials
        ]

    def test_metrics_constraints_and_what_failed(self, here):
        """
        The front of two metrics is shown, the bound is kept, and the reason of a failure is told.
        """
        result = here("study", "run", "tuning:two", *QUICK, *TWO, "--trials", "9")
        found = Study.load("study.db")

        assert 0 == result.status
        assert (
            "loss to min, size to min, ms at most 2.5\ntrials: 8 complete, 1 failed" in result.out
        )
        assert f"Pareto front of {len(found.pareto_front())} trials" in result.out
        assert all(t.metrics["ms"] <= 2.5 for t in found.pareto_front())
        assert "raised ValueError: no luck" in result.out

    def test_workers(self, here):
        """
        An objective of a file is found by other processes, too.
        """
        words = ["tuning.py:one", *QUICK, "--trials", "4", "--workers", "2"]
        result = here("study", "run", *words)

        assert (0, [0, 1, 2, 3]) == (
            result.status,
            [t.number for t in Study.load("study.db").trials],
        )
        assert "trials: 4 complete" in result.out

    def test_ctrl_c_says_how_to_go_on(self, here):
        """
        What ended is kept, the status is that of an interrupt, and the same command ends the rest.
        """
        words = ["study", "run", "tuning:interrupted", *QUICK, "--trials", "4"]
        stopped = here(*words)
        result = here(*words)
        states = [t.state for t in Study.load("study.db").trials]

        assert (130, "") == (stopped.status, stopped.out)
        assert "trials are in study.db; the same command goes on there." in stopped.err
        assert 0 == result.status
        assert 4 == states.count(TrialState.COMPLETE)
        assert [TrialState.FAILED] == [s for s in states if s is not TrialState.COMPLETE]

    def test_a_study_whose_trials_all_failed_has_failed(self, here):
        """
        The status is 1, and the table and the error give the reason.
        """
        result = here("study", "run", "tuning:bad", *QUICK, "--trials", "2")

        assert 1 == result.status
        assert "trials: 2 failed" in result.out
        assert "StudyError: the study 'study' has no best trial: none of 2" in result.err
        assert "raised ValueError: never" in result.err.splitlines()[-1]

    def test_seconds_bound_a_study(self, here):
        """
        Without a number of trials, time ends it.
        """
        result = here("study", "run", "tuning:one", *QUICK, "--seconds", "0.2")

        assert 0 == result.status
        assert Study.load("study.db").trials

    def test_a_killed_command_goes_on(self, here, tmp_path):
        """
        A trial whose process is gone is kept as failed, and the study gets its number of trials.
        """
        words = ["study", "run", "tuning:slow", *QUICK, "--trials", "3"]
        command = [sys.executable, "-m", "espalier", *words]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            deadline = time.monotonic() + 60
            while not (tmp_path / "began").exists() and time.monotonic() < deadline:
                time.sleep(0.02)
            os.kill(process.pid, signal.SIGKILL)
        result = here(*words, "--retries", "1")
        states = [t.state for t in Study.load("study.db").trials]

        assert 0 == result.status
        assert 1 == states.count(TrialState.FAILED)
        assert 3 == states.count(TrialState.COMPLETE)


class TestLook:
    @pytest.fixture
    def kept(self, here):
        """Keep a study of nine trials, the third of which failed."""
        here("study", "run", "tuning:two", *QUICK, *TWO, "--trials", "9")
        pathlib.Path("tuning.py").unlink()
        pathlib.Path("space.toml").unlink()
        return here

    def test_show_needs_neither_objective_nor_space(self, kept):
        """
        What is shown is what the run ended with; the file is the default one.
        """
        first, second = kept("study", "show"), kept("study", "show", "sqlite:///study.db")

        assert (0, "") == (first.status, first.err)
        assert first.out == second.out
        assert "trials: 8 complete, 1 failed" in first.out

    def test_json_is_what_the_study_says(self, kept):
        """
        A program gets numbers, states, the best, the front and what failed.
        """
        found = json.loads(kept("study", "show", "study.db", "--json").out)
        study = Study.load("study.db")

        assert {"loss": "min", "size": "min"} == found["metrics"]
        assert {"ms": 2.5} == found["constraints"]
        assert {"complete": 8, "failed": 1} == found["trials"]
        assert study.best().config == found["best"]["config"]
        assert [t.number for t in study.pareto_front()] == [t["number"] for t in found["front"]]
        assert ["raised ValueError: no luck"] == [t["reason"] for t in found["failed"]]

    def test_several_studies_are_listed(self, here):
        """
        Each has a line; ``--name`` shows one.
        """
        for name in ("first", "second"):
            here("study", "run", "tuning:one", *QUICK, "--trials", "2", "--name", name)
        listed = here("study", "show")
        one = here("study", "show", "--name", "second")
        data = json.loads(here("study", "show", "--json").out)
        exported = here("study", "export", "study.db", "out.csv")

        assert [0, 0, 1] == [listed.status, one.status, exported.status]
        rows = [line.split() for line in listed.out.splitlines()]
        assert ["first", "score", "to", "max", "2", "complete"] in rows
        assert "study 'second' in " in one.out
        assert ["first", "second"] == [entry["name"] for entry in data]
        assert "'first', 'second'" in exported.err

    def test_an_empty_study_is_shown(self, here):
        """
        Nothing tried is no error to look at.
        """
        Study("space.toml", storage="study.db").store.close()
        result = here("study", "show")

        assert (0, True) == (result.status, "trials: none yet" in result.out)

    def test_export(self, kept):
        """
        JSON holds the very trials; CSV a row for each.
        """
        first = kept("study", "export", "study.db", "out.json")
        second = kept("study", "export", "study.db", "out.csv")

        assert ["wrote 9 trials to out.json\n", "wrote 9 trials to out.csv\n"] == [
            first.out,
            second.out,
        ]
        assert tuple(Study.load("study.db").trials) == read_trials("out.json")
        assert 10 == len(pathlib.Path("out.csv").read_text().splitlines())

    def test_draw(self, kept):
        """
        The files are named, and are there.
        """
        words = ["--picture", "history", "--picture", "pareto", "--format", "html"]
        result = kept("study", "draw", "study.db", "--to", "to", *words)

        assert (0, "wrote to/history.html\nwrote to/pareto.html\n") == (result.status, result.out)
        assert {"history.html", "pareto.html"} == {p.name for p in pathlib.Path("to").iterdir()}


RUN = ["run", "tuning:one", *QUICK, "--trials", "2"]
BAD = {
    "no module": (["run", "tunning:one", *QUICK], "LoadError", "there is no module 'tunning'"),
    "no function": (["run", "tuning:onne", *QUICK], "LoadError", "Did you mean 'one'?"),
    "no file": (["run", "gone.py:one", *QUICK], "LoadError", "there is no such file"),
    "a file of Python's": (
        ["run", "json.py:one", *QUICK],
        "LoadError",
        "another module is called",
    ),
    "no word": (["run", "my-study.py:one", *QUICK], "LoadError", "a word that Python can import"),
    "a number": (["run", "tuning:number", *QUICK], "LoadError", "takes a trial and returns"),
    "no colon": (["run", "tuning", *QUICK], "LoadError", "file.py:name"),
    "no space": (["run", "tuning:one", "--space", "no.toml"], "ConfigError", "can't be read"),
    "bad space": (["run", "tuning:one", "--space", "bad.toml"], "DomainError", "log"),
    "no sampler": ([*RUN, "--sampler", "optunna"], "UnknownPluginError", "mean 'optuna'?"),
    "no option": ([*RUN, "--sampler-option", "algo"], "StudyError", "must look like name=value"),
    "unknown option": ([*RUN, "--sampler-option", "alg=tpe"], "SamplerError", "alg"),
    "no stopper": ([*RUN, "--stopper", "ashaa"], "UnknownPluginError", "No stopper named 'ashaa'"),
    "no way": ([*RUN, "--metrics", "loss"], "SamplerError", "must look like loss:min"),
    "wrong way": ([*RUN, "--metrics", "loss:down"], "SamplerError", "to 'min' or to 'max'"),
    "twice": ([*RUN, "--metrics", "a:min,a:max"], "SamplerError", "names 'a' twice"),
    "no bound": ([*RUN, "--constraint", "ms=fast"], "ConstraintError", "must look like"),
    "nan": ([*RUN, "--constraint", "ms=nan"], "ConstraintError", "must look like"),
    "no store": ([*RUN, "--storage", "study.xyz"], "StoreError", "no place for a study"),
    "no folder": ([*RUN, "--storage", "no/study.db"], "StoreError", "no"),
    "damaged": ([*RUN, "--storage", "damaged.db"], "StoreError", "damaged"),
    "another study": (
        [*RUN, "--metrics", "x:min", "--storage", "kept.db"],
        "StudyError",
        "metric",
    ),
    "negative": ([*RUN[:-1], "-1"], "StudyError", "trials must be an integer of at least 0"),
    "no workers": ([*RUN, "--workers", "0"], "StudyError", "workers must be"),
    "unbounded": (["run", "tuning:one", *QUICK], "StudyError", "given trials or seconds"),
    "show nothing": (["show", "gone.db"], "StoreError", "gone.db: there is no such file"),
    "show no URL": (["show", "sqlite:///gone.db"], "StoreError", "gone.db: there is no such"),
    "show damaged": (["show", "damaged.db"], "StoreError", "damaged"),
    "show other name": (["show", "kept.db", "--name", "stud"], "StudyError", "mean 'study'?"),
    "export as what": (["export", "kept.db", "out.txt"], "StudyError", "end in .csv or .json"),
    "export where": (["export", "kept.db", "no/out.csv"], "StudyError", "can't be written"),
    "draw what": (["draw", "kept.db", "--to", "to", "--picture", "a"], "UnknownPluginError", "a"),
    "draw as what": (["draw", "kept.db", "--to", "to", "--format", "pdf"], "PictureError", "pdf"),
    "draw nothing": (["draw", "kept.db", "--to", "to"], "PictureError", "needs 1 complete trial"),
}


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """Make an empty study once."""
    path = tmp_path_factory.mktemp("kept") / "kept.db"
    made = Study({"x": [1]}, storage=path)
    made.store.close()
    with sqlite3.connect(path) as file:
        file.execute("pragma wal_checkpoint(truncate)")
    file.close()
    return path.read_bytes()


@pytest.mark.parametrize(("words", "error", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_one_line(here, tmp_path, empty, words, error, message):
    """
    The error says what came and what to do; the status is 1, nothing is printed or written.
    """
    (tmp_path / "kept.db").write_bytes(empty)
    (tmp_path / "damaged.db").write_bytes(b"not a database" * 100)
    (tmp_path / "my-study.py").write_text("def one(trial): return 1")
    (tmp_path / "json.py").write_text("def one(trial): return 1")
    (tmp_path / "bad.toml").write_text('[x]\ntype = "float"\nlow = 0\nhigh = 1\nlog = true')
    before = {path.name for path in tmp_path.iterdir()}
    result = here("study", *words)
    last = result.err.splitlines()[-1]

    assert (1, "") == (result.status, result.out)
    assert last.startswith(f"{error}: ")
    assert message in last
    assert before >= {p.name for p in tmp_path.iterdir()} - {"study.db", "__pycache__"}


def test_the_command_alone_shows_what_there_is(here):
    """
    The four are listed with their summaries.
    """
    result = here("study", "--help")

    assert 0 == result.status
    for name in ("run", "show", "export", "draw"):
        assert f" {name} " in result.out


def test_no_torch_is_imported_to_look(here):
    """
    A study of anything is run and shown in a process that never imports torch.
    """
    code = """
        import sys
        from espalier.cli import main
        try:
            main(sys.argv[1:])
        except SystemExit as end:
            assert not end.code, end.code
        assert "torch" not in sys.modules
        """
    words = ["study", "show", "kept.db"]
    Study({"x": [1]}, storage="kept.db").store.close()
    command = [sys.executable, "-c", textwrap.dedent(code), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (0, "") == (done.returncode, done.stderr)
