"""BoTorch's `SingleTaskGP` and log expected improvement, as its tutorials put them together."""

import math

import torch
from botorch.acquisition import LogExpectedImprovement
from botorch.fit import fit_gpytorch_mll
from botorch.models import SingleTaskGP
from botorch.optim import optimize_acqf
from gpytorch.mlls import ExactMarginalLogLikelihood
from torch.quasirandom import SobolEngine

from .parameters import Choice, Config, Number, Parameters


class LogEi:
    """
    The model and the acquisition function as they come.

    Numbers are scaled to the unit interval, on their own scale, and rounded where they are whole;
    a choice has a column for each value, of which the largest counts.
    """

    def __init__(self, parameters: Parameters, seed: int) -> None:
        self._parameters = parameters
        widths = [len(p.values) if isinstance(p, Choice) else 1 for p in parameters.values()]
        self._columns = sum(widths)
        torch.manual_seed(seed)
        self._sobol = SobolEngine(self._columns, scramble=True, seed=seed)
        self._startup = max(5, 2 * len(parameters))
        self._points: list[torch.Tensor] = []
        self._values: list[float] = []

    def suggest(self) -> Config:
        """Return what maximises the acquisition function."""
        if len(self._values) < self._startup:
            return self._config(self._sobol.draw(1, dtype=torch.float64)[0])
        points = torch.stack(self._points)
        values = -torch.tensor(self._values, dtype=torch.float64)[:, None]
        model = SingleTaskGP(points, values)
        fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
        score = LogExpectedImprovement(model, best_f=values.max())
        bounds = torch.tensor([[0.0] * self._columns, [1.0] * self._columns], dtype=torch.float64)
        found, _ = optimize_acqf(score, bounds, q=1, num_restarts=10, raw_samples=512)
        return self._config(found[0])

    def tell(self, config: Config, value: float) -> None:
        """Add an observation."""
        self._points.append(self._point(config))
        self._values.append(value)

    def _config(self, point: torch.Tensor) -> Config:
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

    def _point(self, config: Config) -> torch.Tensor:
        columns: list[float] = []
        for name, one in self._parameters.items():
            if isinstance(one, Choice):
                columns += [float(config[name] == value) for value in one.values]
            else:
                columns.append(_share(one, float(config[name])))
        return torch.tensor(columns, dtype=torch.float64)


def _share(one: Number, value: float) -> float:
    if one.log:
        return math.log(value / one.low) / math.log(one.high / one.low)
    return (value - one.low) / (one.high - one.low)
