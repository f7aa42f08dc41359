"""Optuna opens what Espalier's studies keep, and the other way round."""

import math
import random

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from espalier import (
    Categorical,
    Constant,
    FixedList,
    Float,
    Integer,
    Ordinal,
    Sampler,
    Space,
    Study,
)
from espalier.domains import Domain
from espalier.errors import StudyError
from espalier.studies import Stopper
from espalier_optuna.leaves import Leaves, labels


class Drawn(Sampler):
    def _propose(self, trial_id):
        return self.space.sample(self.rng(trial_id))


SPACE = {
    "rate": Float(1e-4, 1e-1, log=True),
    "share": Float(0, 1, step=0.25),
    "units": Integer(8, 64, step=8),
    "size": Ordinal([16, 32]),
    "kernel": [(3, 3), (5, 5)],
    "optimizer": Categorical(["sgd", "adam"], when={"sgd": {"momentum": Float(0, 1)}}),
    "widths": FixedList([Integer(1, 4), Integer(1, 4)]),
    "epochs": Constant(10),
}


def optunas(folder, kind):
    """Return Optuna's own storage of a file."""
    if kind == "study.db":
        return f"sqlite:///{folder / kind}"
    return JournalStorage(JournalFileBackend(str(folder / kind)))


KINDS = pytest.mark.parametrize("kind", ["study.db", "study.log"])


def objective(trial):
    if trial.number == 2:
        raise ValueError("bad")
    trial.report(0, trial["rate"])
    trial.report(5, trial["rate"] / 2)
    return trial["rate"]


class StopsThird(Stopper):
    def stops(self, trial, others):
        return trial.number == 3 and 5 in trial.steps


@KINDS
def test_optuna_shows_every_trial(kind, tmp_path):
    """
    States, values, parameters with what they were chosen from, reports, times and the best.
    """
    study = Study(
        SPACE,
        objective,
        sampler=Drawn,
        metrics={"loss": "min"},
        seed=0,
        stopper=StopsThird,
        storage=tmp_path / kind,
    )
    study.run(8, progress=False)
    study.enqueue(study.space.default())
    told = optuna.load_study(study_name="study", storage=optunas(tmp_path, kind))

    states = ["COMPLETE"] * 2 + ["FAIL", "PRUNED"] + ["COMPLETE"] * 4 + ["WAITING"]
    assert states == [trial.state.name for trial in told.trials]
    assert ["loss"] == told.metric_names
    assert "MINIMIZE" == told.direction.name
    assert study.best().number == told.best_trial.number
    for record, trial in zip(study.trials, told.trials, strict=True):
        params = dict(trial.params)
        assert record.steps == trial.intermediate_values
        assert record.config["rate"] == params["rate"]
        assert record.config["widths"] == (params["widths[0]"], params["widths[1]"])
        assert str(list(record.config["kernel"])) == params["kernel"]
        assert 10 == params["epochs"]
        assert ("optimizer.sgd.momentum" in params) == (record.config["optimizer"] == "sgd")
        assert record.reason == trial.user_attrs.get("espalier:reason", "")
    assert (
        optuna.distributions.FloatDistribution(1e-4, 1e-1, log=True)
        == told.trials[0].distributions["rate"]
    )
    assert (
        optuna.distributions.IntDistribution(8, 64, step=8)
        == told.trials[0].distributions["units"]
    )
    began = told.trials[0].datetime_start
    assert abs(began.timestamp() - study.trials[0].started) < 1e-3
    assert told.trials[0].datetime_complete >= began
    study.store.close()


@KINDS
def test_optuna_shows_several_metrics_and_constraints(kind, tmp_path):
    """
    The same Pareto front, where what breaks a constraint is left out.
    """
    study = Study(
        SPACE,
        lambda t: (t["rate"], t["units"], t["share"]),
        sampler=Drawn,
        seed=0,
        metrics={"loss": "min", "gain": "max"},
        constraints={"ms": 0.5},
        storage=tmp_path / kind,
    )
    study.run(25, progress=False)
    told = optuna.load_study(study_name="study", storage=optunas(tmp_path, kind))
    front = {record.number for record in study.pareto_front()}

    assert ["loss", "gain"] == told.metric_names
    assert front == {trial.number for trial in told.best_trials}
    assert {"ms": 0.0 + study.trials[0].metrics["ms"] - 0.5} == told.trials[0].constraints
    study.store.close()


@KINDS
def test_optuna_goes_on_with_our_study(kind, tmp_path):
    """
    Its trials count, with their values, and ours go on after them.
    """
    space = {"x": Float(0, 1), "kind": ["a", "b"]}
    ours = lambda trial: trial["x"]  # noqa: E731
    study = Study(space, ours, sampler=Drawn, metrics="min", seed=0, storage=tmp_path / kind)
    study.run(2, progress=False)
    told = optuna.load_study(study_name="study", storage=optunas(tmp_path, kind))
    told.optimize(
        lambda t: t.suggest_float("x", 0, 1) + 0 * len(t.suggest_categorical("kind", ["a", "b"])),
        n_trials=2,
    )
    study.run(6, progress=False)

    assert [0, 1, 2, 3, 4, 5] == [record.number for record in study.trials]
    assert [trial.params["x"] for trial in told.trials] == [r.config["x"] for r in study.trials]
    assert all(r.config["x"] == r.metrics["score"] for r in study.trials)
    study.store.close()


@KINDS
def test_a_study_that_optuna_made_is_gone_on_with(kind, tmp_path):
    """
    If directions and parameters fit; what differs is named, and nothing is changed.
    """
    made = optuna.create_study(study_name="mine", storage=optunas(tmp_path, kind))
    made.optimize(lambda t: t.suggest_float("x", 0, 1) + t.suggest_int("n", 1, 4), n_trials=3)
    best = made.best_params
    fits = {"x": Float(0, 1), "n": Integer(1, 4)}
    where = tmp_path / kind

    with pytest.raises(StudyError, match=r"'mine'.*made by Optuna alone.*directions are minimize"):
        Study(fits, sampler=Drawn, metrics="max", storage=where, name="mine")
    for space, why in (
        ({"x": Float(0, 1)}, "'n' is no parameter"),
        ({**fits, "y": [1]}, "trial 0 does not fit the space: y: must be|'x', 'n'"),
        ({**fits, "n": Integer(5, 9)}, "trial 0 does not fit the space: n: must be"),
    ):
        with pytest.raises(StudyError, match=why):
            Study(space, sampler=Drawn, metrics="min", storage=where, name="mine")
    study = Study(
        fits, lambda t: t["x"] + t["n"], sampler=Drawn, metrics="min", storage=where, name="mine"
    )
    assert best == study.best().config
    study.run(5, progress=False)
    assert 5 == len(study.trials)
    again = optuna.load_study(study_name="mine", storage=optunas(tmp_path, kind))
    assert 5 == len(again.trials)
    study.store.close()


def random_domain(rng, depth=0):
    """Return a domain of any kind."""
    kind = rng.choice(["integer", "float", "choice", "ordinal", "constant", "list", "nested"])
    low = rng.randrange(1, 50)
    if kind == "integer":
        log = rng.random() < 0.3
        return Integer(
            low, low + rng.randrange(9), step=1 if log else rng.randrange(1, 4), log=log
        )
    if kind == "float":
        step = rng.choice([None, 0.1, 0.3])
        return Float(low / 10, low / 10 + rng.random() * 3, step=step, log=rng.random() < 0.3)
    values = [1, 1.0, True, None, "1", (1, 2), "[1, 2]", math.inf, -0.5, "x"]
    choices = rng.sample(values, rng.randrange(1, 6))
    if kind == "constant":
        return Constant(choices[0])
    if kind == "list":
        return FixedList([Integer(1, 3), Categorical(choices), Float(0, 1)])
    if kind == "nested" and depth == 0:
        under = {"inner": random_domain(rng, 1)}
        # What is under a choice is called by its text, which must be no other's.
        choices = [c for c in choices if c not in ("1", "[1, 2]")] or ["x"]
        return Categorical(choices, when={choices[0]: under})
    return Ordinal(choices) if kind == "ordinal" else Categorical(choices)


@pytest.mark.parametrize("seed", range(60))
def test_any_configuration_comes_back(seed):
    """
    With the types of its values, through Optuna's internal form and through what it shows.
    """
    rng = random.Random(seed)
    space = Space({f"p{n}": random_domain(rng) for n in range(5)})
    leaves = Leaves(space)
    for _ in range(5):
        config = space.sample(rng)
        params = leaves.params(config)
        kept = [(p.name, p.number, p.json) for p in params]
        shown = [
            (
                p.name,
                p.distribution.to_internal_repr(p.distribution.to_external_repr(p.number)),
                p.json,
            )
            for p in params
        ]
        for found in (leaves.config(kept, {}), leaves.config(shown, {})):
            assert space.key(config) == space.key(found)
        leaves.check(kept)


def test_choices_stay_readable_and_apart():
    """
    What Optuna takes stays as it is; what it would mix up is told as text.
    """
    assert [16, 32] == labels([16, 32])
    assert ["relu", None, 0.5] == labels(["relu", None, 0.5])
    assert ["[3, 3]", "[5, 5]"] == labels([(3, 3), (5, 5)])
    assert ["8", "8.0", "true"] == labels([8, 8.0, True])
    assert ["0: [1]", "1: [1]"] == labels([(1,), "[1]"])
    assert ["Float", "Domain"] == labels([Float, Domain])
