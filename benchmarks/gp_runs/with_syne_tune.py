"""The Gaussian process of Syne Tune 0.14, driven through its scheduler, without a backend."""

import logging
import warnings

from syne_tune.backend.trial_status import Trial
from syne_tune.config_space import choice, lograndint, loguniform, randint, uniform
from syne_tune.optimizer.schedulers.legacy_fifo import LegacyFIFOScheduler

from .parameters import Choice, Config, Parameter, Parameters


class Gp:
    """`LegacyFIFOScheduler` with the searcher ``bayesopt`` as it comes."""

    def __init__(self, parameters: Parameters, seed: int) -> None:
        logging.disable(logging.WARNING)
        warnings.simplefilter("ignore")
        self._scheduler = LegacyFIFOScheduler(
            {name: _domain(one) for name, one in parameters.items()},
            searcher="bayesopt",
            metric="loss",
            mode="min",
            random_seed=seed,
            search_options={"debug_log": False},
        )
        self._count = 0
        self._asked: dict[int, Trial] = {}

    def suggest(self) -> Config:
        """Return what it suggests."""
        suggestion = self._scheduler.suggest(self._count)
        trial = Trial(self._count, suggestion.config, None)
        self._count += 1
        self._scheduler.on_trial_add(trial)
        config = dict(suggestion.config)
        self._asked[id(config)] = trial
        return config

    def tell(self, config: Config, value: float) -> None:
        """Tell it; a configuration that it did not suggest is a trial all the same."""
        trial = self._asked.pop(id(config), None)
        if trial is None:
            trial = Trial(self._count, dict(config), None)
            self._count += 1
            self._scheduler.searcher.register_pending(str(trial.trial_id), trial.config)
            self._scheduler.on_trial_add(trial)
        result = {"loss": value, "epoch": 1}
        self._scheduler.on_trial_complete(trial, result)


def _domain(one: Parameter):
    if isinstance(one, Choice):
        return choice(list(one.values))
    if one.whole:
        return (lograndint if one.log else randint)(int(one.low), int(one.high))
    return (loguniform if one.log else uniform)(one.low, one.high)
