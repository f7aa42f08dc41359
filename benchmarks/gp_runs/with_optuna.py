"""Optuna's TPE and Gaussian process."""

import optuna

from .parameters import Choice, Config, Parameter, Parameters


class _Optuna:
    """One of Optuna's samplers as it comes, asked and told."""

    def __init__(self, parameters: Parameters, sampler: optuna.samplers.BaseSampler) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._space = {name: _distribution(one) for name, one in parameters.items()}
        self._study = optuna.create_study(sampler=sampler)
        self._asked: dict[int, optuna.Trial] = {}

    def suggest(self) -> Config:
        """Return what it suggests."""
        trial = self._study.ask(self._space)
        config = dict(trial.params)
        self._asked[id(config)] = trial
        return config

    def tell(self, config: Config, value: float) -> None:
        """Tell it; a configuration that it did not suggest is added."""
        trial = self._asked.pop(id(config), None)
        if trial is None:
            made = optuna.trial.create_trial(
                params=dict(config), distributions=self._space, value=value
            )
            self._study.add_trial(made)
        else:
            self._study.tell(trial, value)


class Tpe(_Optuna):
    """`TPESampler` as it comes."""

    def __init__(self, parameters: Parameters, seed: int) -> None:
        super().__init__(parameters, optuna.samplers.TPESampler(seed=seed))


class Gp(_Optuna):
    """`GPSampler` as it comes."""

    def __init__(self, parameters: Parameters, seed: int) -> None:
        super().__init__(parameters, optuna.samplers.GPSampler(seed=seed))


def _distribution(one: Parameter) -> optuna.distributions.BaseDistribution:
    if isinstance(one, Choice):
        return optuna.distributions.CategoricalDistribution(list(one.values))
    if one.whole:
        low, high = int(one.low), int(one.high)
        return optuna.distributions.IntDistribution(low, high, log=one.log)
    return optuna.distributions.FloatDistribution(one.low, one.high, log=one.log)
