"""What a study keeps when its processes are killed, and when several of them share a store."""

import collections
import os
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time

import attrs
import optuna
import pytest

from espalier import TrialState
from espalier.studies import Processes
from tests.objectives import slow
from tests.study_process import study_at


ROOT = pathlib.Path(__file__).parent.parent
PLACES = ["study.db", "study.log"]


def begin(storage, trials, workers=1):
    """Start a process that runs the study."""
    return subprocess.Popen(
        [
            *(sys.executable, "-W", "error", "-m", "tests.study_process"),
            *(str(storage), str(trials), str(workers)),
        ],
        cwd=ROOT,
    )


def wait_for_trials(storage, count, process):
    """Wait until so many trials are in a store."""
    ends = time.monotonic() + 60
    while time.monotonic() < ends and process.poll() is None:
        if pathlib.Path(storage).exists() and kept(storage) >= count:
            return
        time.sleep(0.01)


def kept(storage):
    study = study_at(str(storage))
    with study.store:
        return len(study.trials)


def proposals(study):
    """Return the configurations that the sampler proposed, in order, each once."""
    return [r.config for r in study.trials if "retry_of" not in r.attrs]


def check_whole(study, trials):
    """
    Check that every proposal was tried to its end once, and that what was killed is failed.
    """
    records = study.trials
    assert list(range(len(records))) == [record.number for record in records]
    ended = collections.Counter(
        tuple(r.config.items()) for r in records if r.state is TrialState.COMPLETE
    )
    assert trials == len(ended)
    assert {1} == set(ended.values())
    for record in records:
        assert record.state in {TrialState.COMPLETE, TrialState.FAILED}
        if record.state is TrialState.COMPLETE:
            assert record.config["x"] == record.metrics["score"]
        else:
            assert "process" in record.reason or "run" in record.reason


def check_killed(folder, place, kills, trials):
    """Kill the study's process again and again, and check that it ends as if it had lived."""
    rng = random.Random(kills)
    storage = folder / place
    for number in range(kills):
        process = begin(storage, trials)
        wait_for_trials(storage, (number + 1) * trials // (kills + 2), process)
        time.sleep(rng.random() * 0.05)
        process.kill()
        process.wait()
    expected = study_at(None)
    expected.run(trials, progress=False)
    study = study_at(str(storage))
    with study.store:
        study.run(trials, retries=100, progress=False)
        check_whole(study, trials)
        assert proposals(expected) == proposals(study)
        assert kills >= sum(r.state is TrialState.FAILED for r in study.trials)


@pytest.mark.parametrize("place", PLACES)
def test_a_study_goes_on_after_it_was_killed(place, tmp_path):
    """
    The next run of the same call ends what ran, tries it again, and proposes what it would have.
    """
    check_killed(tmp_path, place, kills=1, trials=12)


@pytest.mark.long
@pytest.mark.parametrize("place", PLACES)
def test_a_study_goes_on_whenever_it_is_killed(place, tmp_path):
    """
    The same, ten times over.
    """
    check_killed(tmp_path, place, kills=10, trials=60)


def test_without_retries_what_was_killed_has_failed(tmp_path):
    """
    It counts among the trials, and is not tried again.
    """
    storage = tmp_path / "study.db"
    process = begin(storage, 50)
    wait_for_trials(storage, 5, process)
    process.kill()
    process.wait()
    study = study_at(str(storage))
    with study.store:
        study.run(20, progress=False)
        assert 20 == len(study.trials)
        assert [] == [r for r in study.trials if not r.state.is_finished]


def check_shared(folder, place, processes, trials):
    """Have several processes run one study."""
    storage = folder / place
    running = [begin(storage, trials) for _ in range(processes)]
    assert [0] * processes == [process.wait(120) for process in running]
    study = study_at(str(storage))
    with study.store:
        check_whole(study, trials)
        assert trials == len(study.trials)
        assert 1 < len({record.attrs["owner"] for record in study.trials})


@pytest.mark.parametrize("place", PLACES)
def test_processes_share_a_study(place, tmp_path):
    """
    Begun at the same time on a new file: no trial twice, none lost, not one too many.
    """
    check_shared(tmp_path, place, processes=2, trials=150)


@pytest.mark.long
@pytest.mark.parametrize("place", PLACES)
def test_four_processes_share_a_study(place, tmp_path):
    """
    The same, with four.
    """
    check_shared(tmp_path, place, processes=4, trials=600)


def check_workers_killed(folder, trials):
    """Kill each of four workers once, and check the store with Optuna alone."""
    storage = str(folder / "study.db")
    study = study_at(storage)
    rng = random.Random(0)
    killed = []
    with Processes(slow, study.results, 4) as executor, study.store:

        def kill():
            while len(killed) < 4 and not done.wait(0.01):
                begun = len(study.trials)
                alive = [pid for pid in executor.pids if pid not in killed]
                if alive and begun > trials * (len(killed) + 1) / 6:
                    killed.append(rng.choice(alive))
                    os.kill(killed[-1], signal.SIGKILL)

        done = threading.Event()
        killer = threading.Thread(target=kill)
        killer.start()
        study.run(trials, executor=executor, retries=5, progress=False)
        done.set()
        killer.join()
        assert 4 == len(set(killed))
        check_whole(study, trials)
        assert 4 >= sum(r.state is TrialState.FAILED for r in study.trials)
        expected = [record.metrics.get("score") for record in study.trials]
    with pytest.raises(ProcessLookupError):
        os.kill(killed[0], 0)
    told = optuna.load_study(study_name="study", storage=f"sqlite:///{storage}")
    assert expected == [trial.value for trial in told.trials]


def test_workers_that_are_killed_cost_one_trial_each(tmp_path):
    """
    Every trial that ended is in the storage, none twice, and what was cut short is tried again.
    """
    check_workers_killed(tmp_path, 60)


@pytest.mark.long
def test_each_of_four_workers_is_killed_in_400_trials(tmp_path):
    """
    The same, with as many trials as a real study has.
    """
    check_workers_killed(tmp_path, 400)


def test_workers_end_with_the_study(tmp_path):
    """
    Killed with SIGKILL, the study leaves no worker behind that goes on for nobody.
    """
    storage = tmp_path / "study.db"
    process = begin(storage, 100_000, workers=2)
    wait_for_trials(storage, 6, process)
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert 2 <= len(children)
    process.kill()
    process.wait()
    ends = time.monotonic() + 20
    while any(pathlib.Path(f"/proc/{pid}").exists() for pid in children):
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_what_another_machine_left_is_ended_by_its_silence(tmp_path):
    """
    A trial whose owner can't be asked is gone once nothing was heard of it for a minute.
    """
    study = study_at(str(tmp_path / "study.log"))
    with study.store as store:
        study.run(1, progress=False)
        old = attrs.evolve(
            study.trials[0],
            state=TrialState.RUNNING,
            started=time.time() - 100,
            finished=None,
            metrics={},
            attrs={"owner": "no-such-machine/1/1", "attempt": 0},
        )
        store.add(old)
        assert [1] == store.stale()
        store.beat([1])
        assert [] == store.stale()
