"""What is believed of a hyper-parameter before anything was seen."""

from __future__ import annotations

import abc
import math
from typing import TYPE_CHECKING, final

import attrs


if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Gamma", "LogNormal", "Normal", "Prior"]


class Prior(abc.ABC):
    """A distribution of a hyper-parameter."""

    @abc.abstractmethod
    def log_density(self, value: Tensor) -> Tensor:
        """Return the logarithm of the density at each *value*, with its constant."""

    @abc.abstractmethod
    def slope(self, value: Tensor) -> Tensor:
        """Return the derivative of `log_density` by each *value*."""


@final
@attrs.frozen
class Normal(Prior):
    """A normal distribution."""

    mean: float
    deviation: float

    def log_density(self, value: Tensor) -> Tensor:
        z = (value - self.mean) / self.deviation
        return -0.5 * z.square() - math.log(self.deviation * math.sqrt(2.0 * math.pi))

    def slope(self, value: Tensor) -> Tensor:
        return (self.mean - value) / self.deviation**2


@final
@attrs.frozen
class LogNormal(Prior):
    """The distribution of a number whose logarithm is normal; *mean* is that of the logarithm."""

    mean: float
    deviation: float

    def log_density(self, value: Tensor) -> Tensor:
        # With the square completed, -(log - mean)**2 / (2 variance) - log takes the fewest steps.
        variance = self.deviation**2
        constant = 0.5 * variance - self.mean - math.log(self.deviation * math.sqrt(2.0 * math.pi))
        apart = value.log() - (self.mean - variance)
        return (-0.5 / variance) * apart.square() + constant

    def slope(self, value: Tensor) -> Tensor:
        variance = self.deviation**2
        return (value.log() - (self.mean - variance)) / (-variance * value)


@final
@attrs.frozen
class Gamma(Prior):
    """A Gamma distribution with the mean ``shape / rate``."""

    shape: float
    rate: float

    def log_density(self, value: Tensor) -> Tensor:
        constant = self.shape * math.log(self.rate) - math.lgamma(self.shape)
        return (self.shape - 1.0) * value.log() - self.rate * value + constant

    def slope(self, value: Tensor) -> Tensor:
        return (self.shape - 1.0) / value - self.rate
