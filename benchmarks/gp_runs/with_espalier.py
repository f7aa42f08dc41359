"""Espalier's Gaussian process."""

from espalier import Categorical, Float, Integer, TrialRecord
from espalier.sampling import TrialState
from espalier_gp import GPSampler

from .parameters import Choice, Config, Parameter, Parameters


class Gp:
    """`GPSampler` as it comes."""

    def __init__(self, parameters: Parameters, seed: int) -> None:
        space = {name: _domain(one) for name, one in parameters.items()}
        self._sampler = GPSampler(space, {"loss": "min"}, seed=seed)
        self._asked: dict[int, TrialRecord] = {}

    def suggest(self) -> Config:
        """Return what it proposes."""
        trial = self._sampler.ask()
        self._asked[id(trial.config)] = trial
        return trial.config

    def tell(self, config: Config, value: float) -> None:
        """Tell it; a configuration that it did not propose is added as an earlier trial."""
        trial = self._asked.pop(id(config), None)
        if trial is None:
            self._sampler.add_trial(
                TrialRecord(0, dict(config), TrialState.COMPLETE, {"loss": value})
            )
        else:
            self._sampler.tell(trial, value)


def _domain(one: Parameter) -> Categorical | Float | Integer:
    if isinstance(one, Choice):
        return Categorical(one.values)
    if one.whole:
        return Integer(int(one.low), int(one.high), log=one.log)
    return Float(one.low, one.high, log=one.log)
