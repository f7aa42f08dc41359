"""Samplers of Optuna's that the tests ask and tell."""

import math

from espalier.sampling import TrialState
from espalier_optuna import OptunaSampler


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


def listed(sampler):
    """Return the trials that Optuna sees."""
    return sampler._trials.get_all_trials(0)
