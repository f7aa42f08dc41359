"""Trials in worker processes: what comes back from them, and what ends them."""

import functools
import os
import pathlib
import signal
import threading
import time

import pytest

from espalier import SearchInterrupted, TrialState
from espalier.errors import StudyError
from espalier.studies import Stopper
from tests import objectives
from tests.small_studies import NUMBERS, study_of


#: The states of the trials of ``x`` from 0 on, the fourth of which does not come to its end.
ALL_BUT_ONE = [
    TrialState.FAILED if number == 3 else TrialState.COMPLETE for number in NUMBERS["x"]
]


class StopsAbove(Stopper):
    """Ends a trial that reports more than 4 after two steps."""

    def stops(self, trial, others):
        return len(trial.steps) > 2 and max(trial.steps.values()) > 4


def by_x(study):
    """Return the trials in the order of ``x``, the last attempt of each."""
    return [record for _, record in sorted({r.config["x"]: r for r in study.trials}.items())]


def test_they_return_what_one_process_does():
    """
    The same results of the same configurations, from processes that are not this one.
    """
    alone, several = study_of(objectives.square), study_of(objectives.square)
    alone.run(progress=False)
    several.run(workers=2, progress=False)
    elsewhere = study_of(objectives.pid_of)
    elsewhere.run(workers=2, progress=False)

    assert [r.metrics for r in by_x(alone)] == [r.metrics for r in by_x(several)]
    assert os.getpid() not in {r.metrics["score"] for r in elsewhere.trials}


def test_what_an_objective_raises_comes_back():
    """
    As the reason of its trial; the others come to their end.
    """
    study = study_of(objectives.crash)
    study.run(workers=2, progress=False)

    for record in study.trials:
        if record.config["x"] % 2:
            assert TrialState.FAILED is record.state
            assert f"raised ValueError: {record.config['x']} is odd" == record.reason
        else:
            assert {"score": float(record.config["x"])} == record.metrics


def test_reports_reach_the_study_and_its_answer_the_trial():
    """
    Each step is kept; a trial that the stopper ends is not gone on with.
    """
    study = study_of(objectives.reporting, stopper=StopsAbove)
    study.run(workers=2, progress=False)

    for record in study.trials:
        x = float(record.config["x"])
        stopped = x > 4
        expected = TrialState.STOPPED_EARLY if stopped else TrialState.COMPLETE
        assert expected is record.state
        assert dict.fromkeys(range(3 if stopped else 10), x) == record.steps


@pytest.mark.parametrize(
    ("objective", "reason"),
    [
        (objectives.leave, "ended with exit code 7"),
        (objectives.orphan, "was killed by SIGKILL"),
    ],
)
def test_a_worker_that_ends_costs_its_trial_alone(objective, reason):
    """
    However it ends, and though a child of it lives on; what is left runs in another worker.
    """
    study = study_of(objective)
    study.run(workers=2, progress=False)
    records = by_x(study)

    assert ALL_BUT_ONE == [record.state for record in records]
    assert reason in records[3].reason


def test_a_killed_trial_is_tried_again():
    """
    As often as wanted; what it had reported belongs to the attempt that was killed.
    """
    study = study_of(objectives.suicide)
    study.run(workers=2, retries=1, progress=False)
    first, second = [r for r in study.trials if r.config["x"] == 3]

    assert (TrialState.FAILED, {0: 0.5}) == (first.state, first.steps)
    assert (TrialState.COMPLETE, {}) == (second.state, second.steps)
    assert first.number == second.attrs["retry_of"]


def test_a_trial_that_takes_too_long_has_failed():
    """
    Also with one worker, which is replaced.
    """
    study = study_of(objectives.hang)
    study.run(timeout_s=0.5, progress=False)
    records = by_x(study)

    assert ALL_BUT_ONE == [record.state for record in records]
    assert "took longer than 0.5 s" == records[3].reason


def test_an_objective_that_cannot_be_sent():
    """
    Is refused before anything runs, with the way out; the study is usable afterwards.
    """
    study = study_of(lambda trial: float(trial["x"]))
    with pytest.raises(StudyError, match=r"can't be sent to worker processes.*top of a module"):
        study.run(workers=2, progress=False)

    assert not study.trials
    assert study.run(progress=False) is not None


def test_ctrl_c_ends_the_workers(tmp_path):
    """
    What was under way is failed and waits to be tried again; no process is left behind.
    """
    path = tmp_path / "pid"
    study = study_of(functools.partial(objectives.wait_for_file, str(path)))
    threading.Thread(target=_interrupt_once, args=(path,)).start()
    with pytest.raises(SearchInterrupted):
        study.run(workers=2, progress=False)
    pid = int(path.read_text())

    assert _is_gone(pid)
    assert {"was interrupted"} == {r.reason for r in study.trials if r.state is TrialState.FAILED}
    assert TrialState.WAITING in {r.state for r in study.trials if r.config["x"] == 3}


def _interrupt_once(path: pathlib.Path):
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        if path.exists() and path.read_text():
            os.kill(os.getpid(), signal.SIGINT)
            return
        time.sleep(0.02)


def _is_gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
