"""What a study shows on a terminal while it runs."""

import functools
import io
import re
import sys

import pytest
import rich.console
import structlog
from rich.progress import Progress

from espalier import Sampler, Study


class Count(Sampler):
    """Proposes 0, 1, 2, ..."""

    def _propose(self, trial_id):
        return self.space.at(trial_id % self.space.size)


def odd_fails(trial):
    if trial["x"] % 2:
        raise ValueError("odd")
    return trial["x"]


def study(objective=odd_fails, **more):
    return Study({"x": list(range(8))}, objective, sampler=Count, metrics={"loss": "min"}, **more)


@pytest.fixture
def terminal(monkeypatch):
    """Give every console a file that counts as a terminal."""
    file = io.StringIO()
    real = rich.console.Console
    made = functools.partial(real, file=file, force_terminal=True, width=160)
    monkeypatch.setattr(rich.console, "Console", lambda **_: made())
    return file


def seen(file):
    """Return the lines that were on the terminal, without its codes."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", file.getvalue())
    return [line for line in re.split(r"[\r\n]+", text) if line.strip()]


def test_the_bar_tells_counts_the_best_and_the_time(terminal):
    """
    What is done, runs and failed, and the best with its trial.
    """
    study(name="mine [red]").run(6)
    last = seen(terminal)[-1]

    assert last.startswith("mine [red] ")
    assert "6/6 done, 0 running, 3 failed, best loss 0 (trial 0)" in last
    assert re.search(r"\d:\d\d:\d\d left: \d:\d\d:\d\d", last)


def test_what_was_kept_before_counts(terminal):
    """
    A study that goes on shows the best of all its trials from the start.
    """
    made = study()
    made.run(3, progress=False)
    assert [] == seen(terminal)
    made.run(4)

    assert "3/4 done, 0 running, 1 failed, best loss 0 (trial 0)" in seen(terminal)[0]
    assert "4/4 done" in seen(terminal)[-1]


def test_a_trial_runs_while_it_runs(terminal, monkeypatch):
    """
    The trial under way is counted as running until it ends, and not later.
    """
    bars, during = [], []
    start = Progress.start
    monkeypatch.setattr(Progress, "start", lambda self: (bars.append(self), start(self)))

    def objective(trial):
        during.append(bars[0].tasks[0].fields["counts"])
        return 1.0

    study(objective).run(2)

    expected = ["0/2 done, 1 running", "1/2 done, 1 running, best loss 1 (trial 0)"]
    assert expected == during


def test_a_trial_that_is_tried_again_counts_once(terminal):
    """
    After an interrupt, the trial that was under way is begun anew and is one of the total.
    """
    calls = []

    def once(trial):
        calls.append(trial.number)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return 1.0

    made = study(once)
    with pytest.raises(KeyboardInterrupt):
        made.run(3, progress=False)
    made.run(3)

    assert "3/3 done, 0 running, best loss 1 (trial 0)" in seen(terminal)[-1]


def test_without_a_bound_there_is_no_total(terminal):
    """
    A study that ends by its time counts upwards.
    """
    study(lambda trial: 1.0).run(seconds=0.1)

    assert re.search(r" \d+ done, 0 running", seen(terminal)[-1])


@pytest.mark.parametrize("rich_is_there", [True, False])
def test_it_is_silent_without_a_terminal_or_rich(capfd, monkeypatch, rich_is_there):
    """
    A pipe gets nothing of the bar, and rich need not be installed.
    """
    if not rich_is_there:
        monkeypatch.setitem(sys.modules, "rich.console", None)
        monkeypatch.setitem(sys.modules, "rich.progress", None)
    made = study(lambda trial: 1.0)
    made.run(3)

    assert 3 == len(made.trials)
    assert ("", "") == tuple(capfd.readouterr())


@pytest.mark.parametrize("broken", ["start", "update", "stop"])
def test_a_broken_display_never_ends_a_study(terminal, monkeypatch, broken):
    """
    Whatever rich raises, all trials are run, and the log says what was the matter.
    """

    def fail(*args, **more):
        raise OSError("terminal went away")

    monkeypatch.setattr(Progress, broken, fail)
    made = study(lambda trial: 1.0)
    with structlog.testing.capture_logs() as logs:
        made.run(3)

    assert 3 == len(made.trials)
    dropped = [e for e in logs if e["event"] == "progress_dropped"]
    assert ["OSError: terminal went away"] == [e["reason"] for e in dropped]
