"""What Optuna's samplers promise behind Espalier's contract."""

import copy
import math
import subprocess
import sys
import time

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState as OptunaState

from espalier.domains import Float, Integer, Space
from espalier.errors import DomainError, SamplerError
from espalier.sampling import Optim, TrialRecord, TrialState
from espalier_optuna import OptunaSampler, SearchAlgo

from .spaces import countable, everything, numbers


#: Settings with which each algorithm soon does what it is for.
SETTINGS = {
    "random": {},
    "tpe": {"n_startup_trials": 4},
    "multivariate-tpe": {"n_startup_trials": 4},
    "cma-es": {"popsize": 4},
    "gp": {"n_startup_trials": 4},
    "nsga-ii": {"population_size": 4},
    "qmc": {},
}
ALGOS = list(SETTINGS)


def make(algo, space, seed=0, metrics="min", trials=None, **more):
    """Return a sampler that soon does what it is for."""
    return OptunaSampler(algo, space, metrics, trials, seed, **{**SETTINGS[algo], **more})


def loss(config):
    """Judge a configuration of any space: small where its numbers are small."""
    found = 0.0
    for name, value in config.items():
        if isinstance(value, (int, float)) and abs(value) < 1e4:
            found += math.log1p(abs(value)) + len(name) / 100
    return found


def finish(sampler, trial, state=TrialState.COMPLETE):
    """Tell a sampler how a trial ended."""
    metrics = {"score": loss(trial.config)} if state is not TrialState.FAILED else None
    steps = {1: 0.5, 2: 0.25} if state is TrialState.STOPPED_EARLY else None
    sampler.update_trial(trial.number, metrics, state, steps)


def proposals(sampler, count):
    """Return so many proposals, each told before the next."""
    found = []
    for _ in range(count):
        trial = sampler.ask()
        found.append(trial.config)
        finish(sampler, trial)
    return found


class TestLikeOptuna:
    """A sampler of Optuna used directly, and seeded in the same way, proposes the same."""

    @pytest.mark.parametrize("algo", ["random", "tpe", "multivariate-tpe", "cma-es", "nsga-ii"])
    @pytest.mark.parametrize("way", ["min", "max"])
    def test_one_by_one(self, algo, way):
        """
        Trial by trial, over several generations, with trials that fail and that are stopped.
        """
        self.compare(algo, way, 40)

    def test_gaussian_process(self):
        """
        The process is fitted anew each time, as by a sampler that begins now.
        """
        self.compare("gp", "min", 10)

    def compare(self, algo, way, count):
        """Compare so many proposals."""
        sampler = make(algo, numbers(), seed=5, metrics=way)
        study = direct_study(way)
        for number in range(count):
            trial = sampler.ask()
            study.sampler = direct(algo, sampler.rng(number).getrandbits(32))
            expected = study.ask()
            params = {
                "a": expected.suggest_float("a", 0, 1),
                "b": expected.suggest_float("b", 1e-4, 1, log=True),
                "c": expected.suggest_int("c", 1, 100, log=True),
                "d": expected.suggest_float("d", 0, 1, step=0.1),
            }

            assert params == pytest.approx(trial.config, rel=1e-9), number
            if number % 7 == 3:
                finish(sampler, trial, TrialState.FAILED)
                study.tell(expected, state=OptunaState.FAIL)
            elif number % 7 == 5:
                finish(sampler, trial, TrialState.STOPPED_EARLY)
                expected.report(0.5, 1)
                expected.report(0.25, 2)
                study.tell(expected, state=OptunaState.PRUNED)
            else:
                finish(sampler, trial)
                study.tell(expected, loss(trial.config))


def direct_study(way):
    """Return a study of Optuna's own."""
    storage = Quiet()
    direction = "minimize" if way == "min" else "maximize"
    return optuna.create_study(storage=storage, direction=direction)


class Quiet(optuna.storages.InMemoryStorage):
    """Optuna's storage in memory; the tests may not print."""

    def create_new_study(self, directions, study_name=None):
        before = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        try:
            return super().create_new_study(directions, study_name)
        finally:
            optuna.logging.set_verbosity(before)


def direct(algo, seed):
    """Return Optuna's sampler of an algorithm."""
    samplers, settings = optuna.samplers, SETTINGS[algo]
    return {
        "random": lambda: samplers.RandomSampler(seed),
        "tpe": lambda: samplers.TPESampler(seed=seed, **settings),
        "multivariate-tpe": lambda: samplers.TPESampler(seed=seed, multivariate=True, **settings),
        "cma-es": lambda: SettledCma(seed=seed, **settings),
        "gp": lambda: samplers.GPSampler(seed=seed, **settings),
        "nsga-ii": lambda: Settled(seed=seed, **settings),
    }[algo]()


class SettledCma(optuna.samplers.CmaEsSampler):
    """Optuna's sampler, which draws nothing more where it takes in the first generation."""

    def sample_relative(self, study, trial, search_space):
        complete = study.get_trials(deepcopy=False, states=(OptunaState.COMPLETE,))
        self.is_full = len(complete) > self._popsize
        return super().sample_relative(study, trial, search_space)

    def _init_optimizer(self, trans, direction):
        before = self._cma_rng.rng.get_state()
        made = super()._init_optimizer(trans, direction)
        if self.is_full:
            self._cma_rng.rng.set_state(before)
        return made


class Settled(optuna.samplers.NSGAIISampler):
    """Optuna's sampler, which lists parents in the same order each time."""

    def sample_relative(self, study, trial, search_space):
        self.get_parent_population(study, self.get_trial_generation(study, trial))
        return super().sample_relative(study, trial, search_space)


class TestSpaces:
    """Every kind of domain."""

    @pytest.mark.parametrize("algo", ALGOS)
    def test_proposals_are_of_the_space(self, algo):
        """
        Numbers of all kinds, choices that are no scalars, lists and conditions come out right.
        """
        space = everything()
        count = 10 if algo == "gp" else 30
        found = proposals(make(algo, space), count)

        for config in found:
            assert config == space.check(config)
        assert {"sgd", "adam", None} == {config["optimizer"] for config in found}
        assert 1 < len({config["huge"] for config in found})
        assert 1 < len({repr(config["kernel"]) for config in found})
        assert 3 < len({config["wide"] for config in found})

    @pytest.mark.parametrize("algo", ALGOS)
    def test_every_point_of_a_countable_space_once(self, algo):
        """
        All 21 configurations come, none twice, and then it is the end, for four at a time too.
        """
        space = countable()
        for batch in (1, 4):
            sampler = make(algo, space, seed=batch)
            found = []
            while len(found) < 100:
                try:
                    asked = sampler.ask(batch)
                except StopIteration:
                    break
                found += [trial.config for trial in asked]
                for trial in asked:
                    finish(sampler, trial)

            assert 21 == len(found) == space.size
            assert set(range(21)) == {space.index(config) for config in found}

    def test_what_was_dropped_can_come_again(self):
        """
        In a space that is at its end, the dropped configuration is the one that is left.
        """
        sampler = make("tpe", countable())
        dropped = sampler.eager_sample()[1]
        sampler.unlock(drop=True)
        found = [trial.config for trial in sampler.ask(21)]

        assert dropped in found
        with pytest.raises(StopIteration):
            sampler.ask()

    def test_repeats_are_replaced_by_what_is_like_them(self):
        """
        Half of a grid of 100 points holds nearly all of the 15 best; chance would find 7 or 8.
        """
        space = {"x": Integer(0, 9), "y": Integer(0, 9)}
        sampler = OptunaSampler("tpe", space, "min", seed=0)
        sums = []
        for _ in range(50):
            trial = sampler.ask()
            sums.append(trial.config["x"] + trial.config["y"])
            sampler.tell(trial, sums[-1])

        assert 12 <= sum(total <= 4 for total in sums)
        assert 50 == len({tuple(record.config.items()) for record in sampler.records})


class TestResuming:
    """A study that was stopped and is gone on with."""

    @pytest.mark.parametrize("algo", ALGOS)
    @pytest.mark.parametrize("space_of", [numbers, everything, countable])
    def test_goes_on_with_the_same_proposals(self, algo, space_of):
        """
        A sampler that is given the trials proposes what the first one would have: with trials
        that failed, were stopped, dropped, or are under way.
        """
        first = make(algo, space_of(), seed=3)
        for number in range(12):
            trial_id, config, _ = first.eager_sample()
            first.unlock(drop=number in {2, 9})
            if number in {2, 9, 10}:
                continue
            trial = TrialRecord(trial_id, config, TrialState.RUNNING)
            finish(first, trial, ENDS.get(number, TrialState.COMPLETE))
        second = make(algo, space_of(), seed=3, trials=first.records)
        count = 1 if algo == "gp" else 6

        assert first.records == second.records
        assert proposals(first, count) == proposals(second, count)

    @pytest.mark.parametrize("algo", ALGOS)
    def test_the_order_of_results_does_not_matter(self, algo):
        """
        What four workers find is learned alike, whoever was the first.
        """
        found = []
        for order in ((0, 1, 2, 3), (3, 1, 0, 2)):
            sampler = make(algo, numbers(), seed=1)
            for _ in range(1 if algo == "gp" else 4):
                asked = sampler.ask(4)
                for place in order:
                    finish(sampler, asked[place])
            found.append(sampler.ask().config)

        assert found[0] == found[1]

    def test_an_evolution_is_where_it_was(self):
        """
        After 60 trials in two halves, CMA-ES is as near as after 60 in one.
        """
        space = {name: Float(-5, 5) for name in "abc"}
        results = []
        for stop in (0, 31):
            sampler = OptunaSampler("cma-es", space, "min", seed=2)
            for number in range(60):
                if number == stop:
                    sampler = OptunaSampler("cma-es", space, "min", sampler.records, 2)
                trial = sampler.ask()
                sampler.tell(trial, sum(value**2 for value in trial.config.values()))
            results.append([record.metrics["score"] for record in sampler.records])

        assert results[0] == results[1]
        assert 0.5 > min(results[0])


#: How trials end that are not complete, by number.
ENDS = {4: TrialState.FAILED, 6: TrialState.STOPPED_EARLY, 7: TrialState.INVALID}


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


def listed(sampler):
    """Return the trials that Optuna sees."""
    return sampler._trials.get_all_trials(0)


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


class TestAside:
    """What it does not do besides."""

    @pytest.mark.parametrize("algo", ALGOS)
    def test_changes_nothing(self, algo):
        """
        Optuna's log is as it was, and NumPy draws what it would have drawn.
        """
        verbosity = optuna.logging.get_verbosity()
        np.random.seed(3)  # noqa: NPY002 - the global generator is what is looked at
        expected = np.random.get_state()[1].tolist()  # noqa: NPY002
        sampler = make(algo, everything())
        proposals(sampler, 7)

        assert verbosity == optuna.logging.get_verbosity()
        assert expected == np.random.get_state()[1].tolist()  # noqa: NPY002
        assert 7 == len(copy.deepcopy(sampler).records)

    @pytest.mark.slow
    def test_says_nothing_on_the_terminal(self):
        """
        In a process of its own, Optuna neither logs nor warns, whichever algorithm it is.
        """
        found = subprocess.run(
            [sys.executable, "-W", "error", "-c", SAYING],
            capture_output=True,
            text=True,
            check=False,
        )

        assert "" == found.stderr
        assert 4 == found.stdout.count("sampled_each_by_itself")

    def test_time_of_a_proposal_does_not_grow(self):
        """
        With 3,000 trials a random proposal costs little more than with 300.
        """
        sampler = OptunaSampler("random", {"x": Float(0, 1)}, "min", seed=0)
        durations = []
        for _ in range(3000):
            start = time.perf_counter()
            trial = sampler.ask()
            finish(sampler, trial)
            durations.append(time.perf_counter() - start)

        assert 2 * np.median(durations[100:300]) > np.median(durations[-200:])


#: Each algorithm with a condition; four of them can't relate what is under it, and say so.
SAYING = """
from espalier.domains import Categorical, Float
from espalier_optuna import OptunaSampler, SearchAlgo

space = {
    "a": Float(0, 1),
    "b": Float(0, 1),
    "k": Categorical(["x", "y"], when={"x": {"c": Float(0, 1)}}),
}
for algo in SearchAlgo:
    few = {} if algo.value in {"random", "qmc", "nsga-ii"} else {"n_startup_trials": 2}
    sampler = OptunaSampler(algo, space, "min", seed=0, **few)
    for number in range(4):
        sampler.tell(sampler.ask(), number)
"""

BAD = [
    (("tpo", {"x": [1, 2]}, "min"), {}, "Did you mean 'tpe'"),
    ((7, {"x": [1, 2]}, "min"), {}, "search_algo must be one of random, tpe"),
    (("tpe", {"x": [1, 2]}, {}), {}, "must name at least one metric"),
    (("tpe", {"x": [1, 2]}, None), {}, "must name at least one metric"),
    (("tpe", {"x": [1, 2]}, {"loss": "down"}), {}, "'min' or to 'max'"),
    (("tpe", {"x": [1, 2]}, ["loss"]), {}, "metrics must map names"),
    (("cma-es", {"x": [1, 2]}, {"a": "min", "b": "max"}), {}, "one metric, got a, b"),
    (("tpe", {"x": [1, 2]}, "min"), {"n_startup_trails": 3}, "Did you mean 'n_startup_trials'"),
    (("tpe", {"x": [1, 2]}, "min"), {"n_startup_trials": "3"}, "n_startup_trials must be"),
    (("nsga-ii", {"x": [1, 2]}, "min"), {"population_size": 1}, "at least 2, got 1"),
    (("nsga-ii", {"x": [1, 2]}, "min"), {"mutation_prob": 2.0}, "mutation_prob"),
    (("qmc", {"x": [1, 2]}, "min"), {"qmc_type": "magic"}, "qmc_type"),
    (("random", {"x": [1, 2]}, "min"), {"popsize": 2}, "Its settings: none"),
    (("tpe", {"x": [1, 2]}, "min", None, 1.5), {}, "seed must be an integer"),
]


@pytest.mark.parametrize(("args", "settings", "match"), BAD)
def test_bad_input_is_named(args, settings, match):
    """
    The message says what was wrong, and what would be right.
    """
    with pytest.raises(SamplerError, match=match):
        OptunaSampler(*args, **settings)


def test_trials_of_another_space_are_named():
    """
    A parameter the space does not have, or a value it does not offer, is.
    """
    record = TrialRecord(0, {"x": 3}, TrialState.COMPLETE, {"score": 1.0})
    with pytest.raises(DomainError, match="x: must be one of 1, 2, got 3"):
        OptunaSampler("tpe", {"x": [1, 2]}, "min", [record])


@pytest.mark.parametrize("algo", SearchAlgo)
def test_algorithms_are_found_however_they_are_written(algo):
    """
    By member, by name and by value, in any case, with any hyphens.
    """
    for told in (algo, algo.name, algo.value, algo.value.upper(), algo.value.replace("-", " ")):
        assert algo is OptunaSampler(told, Space({"x": [1, 2]}), "min").search_algo
