"""How a study runs: what it begins, what it keeps, and what ends it."""

import math
import random
import sys

import pytest

from espalier import Float
from espalier.errors import DomainError, SearchInterrupted, StoreError, StudyError
from espalier.plugins import PluginHost, use_host
from espalier.studies import MemoryStore, Stopper
from espalier.testing import fake_source
from tests.small_studies import Drawn, states, study_of


class StopsAbove(Stopper):
    """Stops what reports more than a half."""

    def stops(self, trial, others):
        assert trial.number in [one.number for one in others]
        return list(trial.steps.values())[-1] > 0.5


def test_ctrl_c_keeps_what_ended_and_tries_again_what_did_not():
    """
    The next run takes up the trial that was cut short, and the proposals are the same.
    """
    cut = [2]

    def objective(trial):
        if cut and trial["x"] == cut[0]:
            cut.clear()
            raise KeyboardInterrupt
        return trial["x"]

    study = study_of(objective)
    with pytest.raises(SearchInterrupted, match="has 3 trials in memory; call run"):
        study.run(5, progress=False)
    assert ["complete", "complete", "failed", "waiting"] == states(study)
    study.run(5, progress=False)

    assert [0, 1, 2, 2, 3, 4] == [record.config["x"] for record in study.trials]
    assert 2 == states(study).count("failed") + 1
    assert "was interrupted" == study.trials[2].reason


def test_the_last_trial_is_tried_again_though_there_are_enough():
    """
    What is tried again was counted when it was begun first.
    """
    cut = [True]

    def objective(trial):
        if trial["x"] == 2 and cut:
            cut.clear()
            raise KeyboardInterrupt
        return trial["x"]

    study = study_of(objective)
    with pytest.raises(SearchInterrupted):
        study.run(3, progress=False)
    study.run(3, progress=False)

    assert ["complete", "complete", "failed", "complete"] == states(study)


def test_interruptions_change_no_proposal():
    """
    Wherever a study is interrupted, again and again, it tries the same as without.
    """
    space = {"x": Float(0, 1)}
    expected = study_of(lambda trial: trial["x"], space, Drawn)
    expected.run(30, progress=False)
    rng = random.Random(0)

    def objective(trial):
        if rng.random() < 0.3:
            raise KeyboardInterrupt
        return trial["x"]

    store = MemoryStore()
    while True:
        study = study_of(objective, space, Drawn, storage=store)
        try:
            study.run(30, progress=False)
            break
        except SearchInterrupted:
            pass
    found = [r.config for r in study.trials if "retry_of" not in r.attrs]

    assert [record.config for record in expected.trials] == found
    assert 30 == states(study).count("complete")


def test_run_again_goes_on_and_then_does_nothing():
    """
    Trials count from the study's beginning.
    """
    study = study_of(lambda trial: trial["x"])
    for wanted, expected in ((2, 2), (4, 4), (4, 4), (1, 4)):
        study.run(wanted, progress=False)
        assert expected == len(study.trials)


def test_a_sampler_that_knows_no_more_ends_the_run():
    """
    Without a bound too; also in a second run.
    """
    study = study_of(lambda trial: trial["x"])
    for _ in range(2):
        study.run(progress=False)
        assert 6 == len(study.trials)


def test_a_run_without_end_is_refused():
    """
    Numbers of a range are never all tried.
    """
    study = study_of(lambda trial: trial["x"], {"x": Float(0, 1)}, Drawn)
    with pytest.raises(StudyError, match="must be given trials or seconds"):
        study.run()
    study.run(seconds=0.05, progress=False)
    assert study.trials


@pytest.mark.parametrize(
    "settings",
    [
        *({"trials": -1}, {"trials": 1.5}, {"trials": True}, {"seconds": -1}),
        *({"seconds": math.nan}, {"retries": -1}, {"workers": 0}, {"timeout_s": 0}),
    ],
    ids=str,
)
def test_numbers_out_of_range_are_refused(settings):
    """
    By name, before anything runs.
    """
    study = study_of(lambda trial: trial["x"])
    with pytest.raises(StudyError, match=f"{next(iter(settings))} must be"):
        study.run(**{"trials": 2, **settings})
    assert [] == list(study.trials)


def test_what_was_enqueued_runs_first():
    """
    And counts; the sampler does not propose it again.
    """
    study = study_of(lambda trial: trial["x"])
    assert [0, 1] == [study.enqueue({"x": x}) for x in (4, 1)]
    with pytest.raises(DomainError, match="x: must be"):
        study.enqueue({"x": 9})
    study.run(progress=False)

    assert [4, 1, 0, 2, 3, 5] == [record.config["x"] for record in study.trials]


def test_more_enqueued_than_wanted_waits():
    """
    It is run when more trials are wanted.
    """
    study = study_of(lambda trial: trial["x"])
    for x in range(4):
        study.enqueue({"x": x})
    study.run(2, progress=False)
    assert ["complete", "complete", "waiting", "waiting"] == states(study)
    study.run(5, progress=False)
    assert ["complete"] * 5 == states(study)


def test_a_study_learns_from_another():
    """
    Its trials count as tried, and are no trials of this study.
    """
    first = study_of(lambda trial: trial["x"])
    first.run(3, progress=False)
    second = study_of(lambda trial: trial["x"])
    second.learn_from(first.trials)
    second.run(progress=False)

    assert [3, 4, 5] == [record.config["x"] for record in second.trials]
    assert [0, 1, 2] == [record.number for record in second.trials]
    other = study_of(lambda trial: trial["x"], {"x": [7, 8]})
    with pytest.raises(DomainError, match="trial 0: x: must be"):
        other.learn_from(first.trials)


def test_what_is_not_valid_is_no_trial():
    """
    It is dropped, and the study ends where nothing else is proposed.
    """
    study = study_of(
        lambda trial: trial["x"], sampler=Drawn, is_valid=lambda config: config["x"] % 2 == 0
    )
    study.run(8, progress=False)
    assert 8 == len(study.trials)
    assert {0, 2, 4} >= {record.config["x"] for record in study.trials}
    never = study_of(lambda trial: trial["x"], sampler=Drawn, is_valid=lambda config: False)
    assert never.run(8, progress=False, rejections=20) is None
    assert [] == list(never.trials)


def test_a_check_that_raises_leaves_the_study_usable():
    """
    The proposal is dropped, and the error is the caller's.
    """
    study = study_of(lambda trial: trial["x"], is_valid=lambda config: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        study.run(3, progress=False)
    study.is_valid = None
    study.run(3, progress=False)
    assert ["complete"] * 3 == states(study)


def test_trials_are_stopped_by_what_they_report():
    """
    They end at the step, with the last value as their metric, and are no candidates for the best.
    """

    def objective(trial):
        for step in range(3):
            trial.report(step, trial["x"] / 5)
        return trial["x"]

    study = study_of(objective, metrics="max", stopper=StopsAbove)
    study.run(progress=False)

    assert ["complete"] * 3 + ["stopped_early"] * 3 == states(study)
    assert {0: 1.0} == study.trials[5].steps
    assert {"score": 1.0} == study.trials[5].metrics
    assert 2 == study.best().config["x"]


def test_a_stopper_that_fails_ends_the_study_not_the_trial():
    """
    Its error is not the objective's: it is raised, and the trial is tried again.
    """

    class Broken(Stopper):
        def stops(self, trial, others):
            raise RuntimeError("no idea")

    def objective(trial):
        trial.report(0, 1.0)
        return trial["x"]

    study = study_of(objective, stopper=Broken)
    with pytest.raises(RuntimeError, match="no idea"):
        study.run(3, progress=False)
    assert ["failed", "waiting"] == states(study)


def test_constraints_choose_the_best():
    """
    The objective returns them after the metrics; what breaks one is kept, but never the best.
    """
    study = study_of(lambda trial: (trial["x"], 10 - trial["x"]), constraints={"ms": 7})
    study.run(progress=False)

    assert 3 == study.best().config["x"]
    assert {"score": 3.0, "ms": 7.0} == study.best().metrics


def test_watchers_hear_of_every_step():
    """
    Of the beginning, each trial's beginning and end, and the end of the run.
    """
    told = []
    source = fake_source(
        "watcher",
        espalier_study_started=lambda name, total: told.append((name, total)),
        espalier_study_trial_started=lambda trial: told.append(("begins", trial.number)),
        espalier_study_trial_done=lambda trial: told.append((trial.state.value, trial.number)),
        espalier_study_finished=lambda trials: told.append(("end", trials)),
    )
    study = study_of(lambda trial: 1 / trial["x"])
    with use_host(PluginHost([source])):
        study.run(2, progress=False)

    assert [
        *(("study", 2), ("begins", 0), ("failed", 0), ("begins", 1), ("complete", 1)),
        ("end", 2),
    ] == told


class Leaky(MemoryStore):
    """Fails once at the fourth trial's end."""

    def finish(self, record, retry=None):
        if record.number == 3 and not self.__dict__.setdefault("failed", False):
            self.failed = True
            raise StoreError("study.db is locked by another process")
        super().finish(record, retry)


def test_a_result_that_could_not_be_kept_is_kept_at_the_second_attempt():
    """
    The error is raised, nothing is lost, and the next run goes on.
    """
    study = study_of(lambda trial: trial["x"], storage=Leaky())
    with pytest.raises(StoreError, match="is locked"):
        study.run(5, progress=False)
    assert ["complete"] * 4 == states(study)
    study.run(5, progress=False)
    assert [0, 1, 2, 3, 4] == [record.config["x"] for record in study.trials]


def test_a_trial_of_a_run_that_is_over_is_ended():
    """
    Though its process still lives.
    """

    class Dead(MemoryStore):
        def finish(self, record, retry=None):
            if self.__dict__.get("dead", True):
                raise StoreError("the disk is gone")
            super().finish(record, retry)

    store = Dead()
    study = study_of(lambda trial: trial["x"], storage=store)
    with pytest.raises(StoreError, match="the disk is gone"):
        study.run(2, progress=False)
    assert ["running"] == states(study)
    store.dead = False
    study.run(2, retries=1, progress=False)

    assert ["failed", "complete", "complete"] == states(study)
    assert [0, 0, 1] == [record.config["x"] for record in study.trials]


def test_studies_import_neither_torch_nor_optuna(tmp_path):
    """
    A study in memory is quick to begin.
    """
    import subprocess

    code = (
        "import sys, espalier.studies\n"
        "assert not {'torch', 'numpy', 'optuna', 'sqlalchemy'} & set(sys.modules)"
    )
    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode
