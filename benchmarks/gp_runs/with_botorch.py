"""BoTorch's `SingleTaskGP` and log expected improvement, as its tutorials put them together."""

import itertools
import math

import torch
from botorch.acquisition import LogExpectedImprovement
from botorch.fit import fit_gpytorch_mll
from botorch.models import SingleTaskGP
from botorch.optim import optimize_acqf, optimize_acqf_discrete, optimize_acqf_mixed
from gpytorch.mlls import ExactMarginalLogLikelihood
from torch import Tensor
from torch.quasirandom import SobolEngine

from .parameters import Choice, Config, Number, Parameter, Parameters


#: A space of at most so many configurations is searched whole.
_FEW = 10_000

#: How hard the acquisition function is maximised.
_EFFORT = {"num_restarts": 10, "raw_samples": 512}


class LogEi:
    """
    The model and the acquisition function as they come.

    Numbers are scaled to the unit interval, on their own scale, and rounded where they are whole;
    a choice has a column for each value, of which the largest counts. The acquisition function is
    maximised by BoTorch's own means for the space: over all configurations that were not tried
    where there are few, and with each combination of choices where there are any.
    """

    def __init__(self, parameters: Parameters, seed: int) -> None:
        self._parameters = parameters
        widths = [len(p.values) if isinstance(p, Choice) else 1 for p in parameters.values()]
        self._columns = sum(widths)
        torch.manual_seed(seed)
        self._sobol = SobolEngine(self._columns, scramble=True, seed=seed)
        self._startup = max(5, 2 * len(parameters))
        self._points: list[Tensor] = []
        self._values: list[float] = []
        self._all = self._everything()
        self._fixed = self._combinations()

    def suggest(self) -> Config:
        """Return what maximises the acquisition function."""
        if len(self._values) < self._startup:
            return self._config(self._sobol.draw(1, dtype=torch.float64)[0])
        points = torch.stack(self._points)
        values = -torch.tensor(self._values, dtype=torch.float64)[:, None]
        model = SingleTaskGP(points, values)
        fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
        score = LogExpectedImprovement(model, best_f=values.max())
        return self._config(self._best(score, points))

    def tell(self, config: Config, value: float) -> None:
        """Add an observation."""
        self._points.append(self._point(config))
        self._values.append(value)

    def _best(self, score: LogExpectedImprovement, points: Tensor) -> Tensor:
        """Return the point where *score* is largest."""
        bounds = torch.tensor([[0.0] * self._columns, [1.0] * self._columns], dtype=torch.float64)
        if self._all is not None:
            found, _ = optimize_acqf_discrete(score, 1, self._all, X_avoid=points)
        elif self._fixed:
            found, _ = optimize_acqf_mixed(
                score, bounds, q=1, fixed_features_list=self._fixed, **_EFFORT
            )
        else:
            found, _ = optimize_acqf(score, bounds, q=1, **_EFFORT)
        return found[0]

    def _everything(self) -> Tensor | None:
        """Return the points of all configurations, if there are few."""
        ways = [_values_of(one) for one in self._parameters.values()]
        if not all(ways) or math.prod(map(len, ways)) > _FEW:
            return None
        configs = [
            dict(zip(self._parameters, way, strict=True)) for way in itertools.product(*ways)
        ]
        return torch.stack([self._point(config) for config in configs])

    def _combinations(self) -> list[dict[int, float]]:
        """Return each combination of choices by column; none if there are no choices."""
        ways: list[list[dict[int, float]]] = []
        at = 0
        for one in self._parameters.values():
            width = len(one.values) if isinstance(one, Choice) else 1
            if isinstance(one, Choice):
                columns = range(at, at + width)
                ways.append([{c: float(c == own) for c in columns} for own in columns])
            at += width
        combined = [
            {c: v for part in way for c, v in part.items()} for way in itertools.product(*ways)
        ]
        return combined if ways else []

    def _config(self, point: Tensor) -> Config:
        config: Config = {}
        at = 0
        for name, one in self._parameters.items():
            if isinstance(one, Choice):
                width = len(one.values)
                config[name] = one.values[int(point[at : at + width].argmax())]
                at += width
            else:
                config[name] = one.at(float(point[at]))
                at += 1
        return config

    def _point(self, config: Config) -> Tensor:
        columns: list[float] = []
        for name, one in self._parameters.items():
            if isinstance(one, Choice):
                columns += [float(config[name] == value) for value in one.values]
            else:
                columns.append(_share(one, float(config[name])))
        return torch.tensor(columns, dtype=torch.float64)


def _values_of(one: Parameter) -> list[float | str]:
    """Return all values of a parameter, if they can be counted."""
    if isinstance(one, Choice):
        return list(one.values)
    return list(range(int(one.low), int(one.high) + 1)) if one.whole else []


def _share(one: Number, value: float) -> float:
    if one.log:
        return math.log(value / one.low) / math.log(one.high / one.low)
    return (value - one.low) / (one.high - one.low)
