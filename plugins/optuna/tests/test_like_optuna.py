"""Optuna's samplers behind Espalier's contract propose what they propose without it."""

import optuna
import pytest
from optuna.trial import TrialState as OptunaState

from espalier.sampling import TrialState

from .samplers import SETTINGS, finish, loss, make
from .spaces import numbers


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
