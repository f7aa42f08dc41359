"""What Optuna's samplers are told, and that they learn from it."""

import math

import numpy as np
import pytest
from optuna.trial import TrialState as OptunaState

from espalier.domains import Float
from espalier.sampling import Optim, TrialState
from espalier_optuna import OptunaSampler

from .samplers import ALGOS, listed, make
from .spaces import everything, numbers


class TestInside:
    """What Optuna is shown."""

    def test_a_dropped_proposal_leaves_no_trial(self):
        """
        Neither a trial nor a note is left of it, and a sampler that dropped learns the same.
        """
        for algo in ALGOS:
            sampler = make(algo, everything())
            for drop in (True, False, True):
                sampler.eager_sample()
                sampler.unlock(drop=drop)
            trials = sampler._trials.get_all_trials(0)

            assert [1] == [trial.number for trial in trials]
            assert [OptunaState.RUNNING] == [trial.state for trial in trials]
            assert {} == sampler._trials.noted
            assert sampler.internal_repr(0) is None

    def test_states_are_what_optuna_calls_them(self):
        """
        Pruned trials have their reports and the last as value; what can't be used has failed.
        """
        sampler = make("tpe", numbers())
        told = [
            (TrialState.COMPLETE, {"score": 2.0}, None),
            (TrialState.COMPLETE, {"score": math.nan}, None),
            (TrialState.STOPPED_EARLY, {"score": 0.25}, {1: 0.5, 2: 0.25}),
            (TrialState.STOPPED_EARLY, {"score": 0.75}, None),
            (TrialState.STOPPED_EARLY, None, None),
            (TrialState.FAILED, None, None),
            (TrialState.INVALID, None, None),
            (TrialState.RUNNING, None, None),
        ]
        for state, metrics, steps in told:
            sampler.update_trial(sampler.ask().number, metrics, state, steps)
        found = [(t.state.name, t.values, t.intermediate_values) for t in listed(sampler)]

        assert [
            ("COMPLETE", [2.0], {}),
            ("FAIL", None, {}),
            ("PRUNED", [0.25], {1: 0.5, 2: 0.25}),
            ("PRUNED", [0.75], {0: 0.75}),
            ("PRUNED", None, {}),
            ("FAIL", None, {}),
            ("FAIL", None, {}),
            ("RUNNING", None, {}),
        ] == found

    def test_constraints_are_told_as_what_is_too_much(self):
        """
        Optuna calls feasible what is not above 0; CMA-ES, which knows of none, sees bad results.
        """
        bounds = {"latency_ms": 3.0}
        metrics = {"score": 1.0, "latency_ms": 5.0}
        sampler = make("tpe", numbers(), constraints=bounds)
        sampler.update_trial(sampler.ask().number, metrics, TrialState.COMPLETE)
        other = make("cma-es", numbers(), metrics="max", constraints=bounds)
        other.update_trial(other.ask().number, metrics, TrialState.COMPLETE)
        third = other.ask()
        other.update_trial(third.number, {**metrics, "latency_ms": 3.0}, TrialState.COMPLETE)

        assert {"latency_ms": 2.0} == listed(sampler)[0].constraints
        assert {} == listed(other)[0].constraints
        assert -1e29 > listed(other)[0].value
        assert 1.0 == listed(other)[1].value

    def test_internal_repr_is_optunas(self):
        """
        It is what `to_internal_repr` says of each parameter, constants left out.
        """
        space = everything()
        sampler = make("tpe", space)
        for _ in range(6):
            trial_id, config, internal = sampler.eager_sample()
            sampler.unlock(drop=False)

            assert set(space.parts(config)) == set(internal)
            assert space.leaves["kernel"].index(config["kernel"]) == internal["kernel"]
            assert space.leaves["size"].index(config["size"]) == internal["size"]
            assert config["rate"] == internal["rate"]
            assert internal == sampler.internal_repr(trial_id)

    def test_pending_trials_are_avoided(self):
        """
        Four that are asked for at a time by TPE are spread, as its constant liar does.
        """
        sampler = OptunaSampler("tpe", {"x": Float(0, 1)}, "min", seed=0)
        for _ in range(20):
            trial = sampler.ask()
            sampler.tell(trial, (trial.config["x"] - 0.5) ** 2)
        asked = sampler.ask(8)

        assert 8 == sum(trial.state is OptunaState.RUNNING for trial in listed(sampler))
        assert 0.02 < np.std([trial.config["x"] for trial in asked])


class TestLearning:
    """That they learn."""

    @pytest.mark.parametrize("algo", ["tpe", "multivariate-tpe", "cma-es", "gp", "nsga-ii"])
    def test_finds_better_than_chance(self, algo):
        """
        The later proposals are better than the first ones, in either direction.
        """
        count = 14 if algo == "gp" else 80
        for way in Optim:
            space = {"x": Float(-3, 3), "y": Float(1e-3, 1e3, log=True)}
            sampler = make(algo, space, seed=1, metrics={"loss": way})
            found = []
            for _ in range(count):
                trial = sampler.ask()
                x, y = trial.config["x"] - 1, math.log10(trial.config["y"]) + 1
                found.append(x**2 + y**2)
                sampler.tell(trial, way.sign * found[-1])

            early, late = (found[:4], found[6:]) if algo == "gp" else (found[:10], found[-10:])
            assert np.median(early) / 2 > np.median(late)

    @pytest.mark.parametrize("algo", ["tpe", "cma-es", "gp", "nsga-ii"])
    def test_keeps_constraints(self, algo):
        """
        Where the best is forbidden, most of the later proposals are allowed ones.
        """
        space = {"x": Float(-3, 3), "y": Float(-3, 3)}
        more = {"population_size": 6} if algo == "nsga-ii" else {}
        sampler = make(algo, space, constraints={"size": 1.0}, **more)
        found = []
        for _ in range({"gp": 14, "nsga-ii": 200}.get(algo, 100)):
            trial = sampler.ask()
            x, y = trial.config["x"], trial.config["y"]
            found.append(x + y)
            sampler.tell(trial, {"score": -x - y, "size": x + y})

        late = found[6:] if algo == "gp" else found[-20:]
        allowed = [total for total in late if total <= 1.05]
        assert len(late) < 2 * len(allowed)
        assert -0.5 < np.median(allowed)

    @pytest.mark.parametrize("algo", ["tpe", "multivariate-tpe", "gp", "nsga-ii"])
    def test_several_metrics(self, algo):
        """
        A front is approached: the sum of two losses that are at odds gets small.
        """
        ways = {"first": "min", "second": "max"}
        more = {"population_size": 16} if algo == "nsga-ii" else {}
        sampler = make(algo, {"x": Float(-4, 4), "y": Float(-4, 4)}, metrics=ways, **more)
        found = []
        for _ in range({"gp": 14, "nsga-ii": 200}.get(algo, 80)):
            trial = sampler.ask()
            x, y = trial.config["x"], trial.config["y"]
            first, second = x**2 + y**2, -((x - 1) ** 2) - y**2
            found.append(first - second)
            state = TrialState.STOPPED_EARLY if len(found) == 3 else TrialState.COMPLETE
            sampler.update_trial(
                trial.number, {"first": first, "second": second}, state, {1: first}
            )

        rng = np.random.default_rng(0)
        x, y = rng.uniform(-4, 4, (2, 1000))
        by_chance = np.median(x**2 + (x - 1) ** 2 + 2 * y**2)
        late = found[6:] if algo == "gp" else found[-20:]
        assert by_chance / 2 > np.median(late)
