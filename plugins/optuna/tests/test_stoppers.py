"""What stoppers promise: Optuna's own decisions, made of nothing but the records."""

import math
import random

import attrs
import optuna
import pytest

from espalier import Study
from espalier.errors import StudyError
from espalier.plugins import default_host
from espalier.sampling import Optim, TrialRecord, TrialState
from espalier_optuna import (
    Hyperband,
    Median,
    Patient,
    Percentile,
    SuccessiveHalving,
    Threshold,
    Wilcoxon,
)


#: Each stopper, its settings, and the pruner of Optuna's that it stands for.
PAIRS = [
    (
        SuccessiveHalving,
        {"min_resource": 1, "reduction_factor": 3},
        lambda: optuna.pruners.SuccessiveHalvingPruner(1, 3),
    ),
    (
        SuccessiveHalving,
        {"min_resource": 2, "reduction_factor": 2, "min_early_stopping_rate": 1},
        lambda: optuna.pruners.SuccessiveHalvingPruner(2, 2, 1),
    ),
    (
        SuccessiveHalving,
        {"min_resource": 2, "reduction_factor": 2, "bootstrap_count": 1},
        lambda: optuna.pruners.SuccessiveHalvingPruner(2, 2, bootstrap_count=1),
    ),
    (SuccessiveHalving, {}, optuna.pruners.SuccessiveHalvingPruner),
    (
        Hyperband,
        {"min_resource": 1, "max_resource": 27, "reduction_factor": 3},
        lambda: optuna.pruners.HyperbandPruner(1, 27, 3),
    ),
    (Hyperband, {}, optuna.pruners.HyperbandPruner),
    (Median, {"n_startup_trials": 3}, lambda: optuna.pruners.MedianPruner(3)),
    (
        Median,
        {"n_startup_trials": 2, "n_warmup_steps": 5, "interval_steps": 4, "n_min_trials": 2},
        lambda: optuna.pruners.MedianPruner(2, 5, 4, n_min_trials=2),
    ),
    (
        Percentile,
        {"percentile": 30, "n_startup_trials": 2},
        lambda: optuna.pruners.PercentilePruner(30, 2),
    ),
    (
        Threshold,
        {"lower": 0.05, "upper": 0.9, "n_warmup_steps": 3},
        lambda: optuna.pruners.ThresholdPruner(0.05, 0.9, 3),
    ),
    (Wilcoxon, {"p_threshold": 0.2}, lambda: optuna.pruners.WilcoxonPruner(p_threshold=0.2)),
    (
        Patient,
        {"patience": 3, "min_delta": 0.01},
        lambda: optuna.pruners.PatientPruner(None, 3, 0.01),
    ),
    (
        Patient,
        {"patience": 2, "then": "median", "then_config": {"n_startup_trials": 3}},
        lambda: optuna.pruners.PatientPruner(optuna.pruners.MedianPruner(3), 2),
    ),
]


def curves(seed, count=40, steps=27):
    """Return losses by step that fall towards different ends, with noise, of many trials."""
    rng = random.Random(seed)
    found = []
    for _ in range(count):
        end, start, speed = rng.random(), 1 + rng.random(), rng.uniform(0.1, 0.6)
        found.append(
            [
                end + (start - end) * math.exp(-speed * step) + rng.gauss(0, 0.02)
                for step in range(steps)
            ]
        )
    return found


def stopped_by(stopper, curves, every=1):
    """Return the step at which each trial was stopped; ``None`` for one that was not."""
    records, found = [], []
    for number, curve in enumerate(curves):
        record = TrialRecord(number, {}, TrialState.RUNNING, started=float(number))
        end = None
        for step in range(1, len(curve) + 1, every):
            record = attrs.evolve(record, steps={**record.steps, step: curve[step - 1]})
            if stopper.stops(record, [*records, record]):
                end = step
                break
        state = TrialState.COMPLETE if end is None else TrialState.STOPPED_EARLY
        last = record.steps[max(record.steps)]
        records.append(
            attrs.evolve(record, state=state, metrics={"loss": last}, finished=number + 0.5)
        )
        found.append(end)
    return found


def stopped_by_optuna(pruner, curves, direction, every=1):
    """Return the same for a study of Optuna's own."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        study_name="espalier-0",
        direction=direction,
        pruner=pruner,
        sampler=optuna.samplers.RandomSampler(seed=0),
    )
    found = []
    for curve in curves:
        trial = study.ask()
        end = None
        for step in range(1, len(curve) + 1, every):
            trial.report(curve[step - 1], step)
            if trial.should_prune():
                end = step
                break
        if end is None:
            last = len(range(1, len(curve) + 1, every)) - 1
            study.tell(trial, curve[last * every])
        else:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        found.append(end)
    return found


@pytest.fixture(autouse=True)
def _verbosity():
    """Leave Optuna's log as it was, and its warnings about what is new alone."""
    before = optuna.logging.get_verbosity()
    yield
    optuna.logging.set_verbosity(before)


def names(pair):
    """Name a pair of the table."""
    return pair.__name__ if isinstance(pair, type) else None


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.filterwarnings("ignore:WilcoxonPruner finds steps")
@pytest.mark.parametrize("every", [1, 5])
@pytest.mark.parametrize(("kind", "settings", "pruner"), PAIRS, ids=names)
def test_decides_what_optuna_does(kind, settings, pruner, every):
    """
    On the same curves, the same trials are stopped at the same steps as by Optuna used directly.
    """
    for seed in range(1 if kind is Wilcoxon else 2):
        for way, direction, sign in ((Optim.MIN, "minimize", 1), (Optim.MAX, "maximize", -1)):
            told = [[sign * value for value in curve] for curve in curves(seed)]
            if kind is Threshold:
                told = curves(seed)
            expected = stopped_by_optuna(pruner(), told, direction, every)

            assert expected == stopped_by(kind(way, **settings), told, every)


def test_the_pairs_have_something_to_decide():
    """
    On those curves, every stopper stops some trials, and lets others end.
    """
    for kind, settings, _ in PAIRS:
        ends = stopped_by(kind(Optim.MIN, **settings), curves(0))

        stopped = sum(end is not None for end in ends)
        assert 0 < stopped, (kind, settings)
        # Who waits for company at each rung, and is alone at the last, has no winner.
        assert len(ends) > stopped or "bootstrap_count" in settings, (kind, settings)


def test_asha_keeps_the_best_for_a_fraction_of_the_steps():
    """
    In 18 of 20 studies one of the 3 best of 60 trials ends by itself, for 40% of the steps.
    """
    kept, share = 0, 0.0
    for seed in range(20):
        told = curves(seed, count=60)
        stopper = SuccessiveHalving(Optim.MIN, min_resource=4, reduction_factor=3)
        ends = stopped_by(stopper, told)
        best = sorted(range(len(told)), key=lambda number: told[number][-1])[:3]
        kept += any(ends[number] is None for number in best)
        share += sum(end or 27 for end in ends) / (27 * len(told)) / 20

    assert 18 <= kept
    assert 0.4 > share


@pytest.mark.parametrize(("kind", "settings", "pruner"), PAIRS, ids=names)
def test_a_new_process_decides_the_same(kind, settings, pruner):
    """
    A stopper that never saw the trials before decides as one that saw them all.
    """
    del pruner
    told = curves(3, count=25)
    known = kind(Optim.MIN, **settings)
    records = []
    for number, curve in enumerate(told):
        record = TrialRecord(number, {}, TrialState.RUNNING)
        state = TrialState.COMPLETE
        for step, value in enumerate(curve, start=1):
            record = attrs.evolve(record, steps={**record.steps, step: value})
            expected = known.stops(record, [*records, record])

            if step in (1, 2, 3, 9, 27):
                new = kind(Optim.MIN, **settings)
                assert expected == new.stops(record, [*records, record])
            if expected:
                state = TrialState.STOPPED_EARLY
                break
        records.append(
            attrs.evolve(
                record,
                state=state,
                metrics={"loss": record.steps[max(record.steps)]},
                finished=float(number),
            )
        )


def test_studies_know_them_by_name():
    """
    Each is offered under its name, and a study ends trials by it.
    """
    expected = {"asha", "hyperband", "median", "patient", "percentile", "threshold", "wilcoxon"}
    assert expected <= set(default_host().stoppers)

    def objective(trial):
        for step in range(1, 17):
            trial.report(step, trial["x"] + 1 / step)
        return trial["x"]

    study = Study(
        {"x": list(range(20))},
        objective,
        sampler="optuna",
        sampler_config={"search_algo": "random"},
        metrics="min",
        stopper="asha",
        stopper_config={"min_resource": 1, "reduction_factor": 2},
        seed=0,
    )
    best = study.run(progress=False)
    states = [trial.state for trial in study.trials]

    assert {"x": 0} == best.config
    assert 20 == len(states)
    assert 10 <= states.count(TrialState.STOPPED_EARLY)


BAD = [
    (SuccessiveHalving, {"reduction_faktor": 3}, "Did you mean 'reduction_factor'"),
    (SuccessiveHalving, {"reduction_factor": 1}, "reduction_factor must be .* at least 2, got 1"),
    (SuccessiveHalving, {"min_resource": "often"}, "min_resource must be .* got 'often'"),
    (SuccessiveHalving, {"bootstrap_count": 2}, "bootstrap_count must be 0"),
    (Hyperband, {"max_resource": 0}, "max_resource must be .* at least 1"),
    (Hyperband, {"min_resource": 9, "max_resource": 3}, "max_resource must be .* at least 9"),
    (Median, {"interval_steps": 0}, "interval_steps"),
    (Percentile, {"percentile": 101}, "percentile must be a number from 0 to 100, got 101"),
    (Threshold, {}, "lower or upper"),
    (Threshold, {"lower": 2, "upper": 1}, "upper must be at least lower, 2; got 1"),
    (Threshold, {"lower": "1"}, "lower must be a number, got '1'"),
    (Wilcoxon, {"p_threshold": math.nan}, "p_threshold"),
    (Patient, {"patience": -1}, "patience"),
    (Patient, {"then_config": {"x": 1}}, "then_config must go with then"),
]


@pytest.mark.parametrize(("kind", "settings", "match"), BAD)
def test_wrong_settings_are_named(kind, settings, match):
    """
    The message names the setting, its rule and what came.
    """
    with pytest.raises(StudyError, match=match):
        kind.make(Optim.MIN, seed=0, **settings)
