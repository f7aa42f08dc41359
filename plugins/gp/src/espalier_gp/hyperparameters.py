"""A hyper-parameter of a model: bounds, a prior and the scale that it is fitted on."""

from __future__ import annotations

import abc
import math
from typing import TYPE_CHECKING, Any, ClassVar, final

import torch
from torch.nn import functional

from .gluon import Block


if TYPE_CHECKING:
    from torch import Tensor

    from .priors import Prior

__all__ = ["Hyperparameter", "Identity", "Log", "Softplus", "Transform"]


class Transform(abc.ABC):
    """How the number that is fitted becomes the one that the model reads."""

    @abc.abstractmethod
    def forward(self, raw: Tensor) -> Tensor:
        """Return the value."""

    @abc.abstractmethod
    def slope(self, raw: Tensor) -> Tensor | float:
        """Return the derivative of the value by what is fitted."""

    @abc.abstractmethod
    def inverse(self, value: float) -> float:
        """Return what is fitted, for a value."""


@final
class Identity(Transform):
    """The number itself."""

    def forward(self, raw: Tensor) -> Tensor:
        return raw

    def slope(self, raw: Tensor) -> float:
        del raw
        return 1.0

    def inverse(self, value: float) -> float:
        return value


@final
class Log(Transform):
    """A positive number by its logarithm."""

    def forward(self, raw: Tensor) -> Tensor:
        return raw.exp()

    def slope(self, raw: Tensor) -> Tensor:
        return raw.exp()

    def inverse(self, value: float) -> float:
        return math.log(value)


@final
class Softplus(Transform):
    """A positive number as ``log(1 + exp(raw))``: linear where it is large."""

    def forward(self, raw: Tensor) -> Tensor:
        return functional.softplus(raw, threshold=40.0)

    def slope(self, raw: Tensor) -> Tensor:
        return raw.sigmoid()

    def inverse(self, value: float) -> float:
        return value + math.log(-math.expm1(-value))


@final
class Hyperparameter(Block):
    """
    Some numbers of a model that are fitted.

    Args:
        size: How many.

        start: Where fitting begins: one value for all.

        bounds: The least and the largest value.

        prior: What is believed of each; ``None`` for nothing.

        transform: On which scale they are fitted; by their logarithm if left out.

        copies: How many sets are kept side by side.
    """

    LOG: ClassVar[Transform] = Log()

    def __init__(
        self,
        size: int,
        *,
        start: float,
        bounds: tuple[float, float],
        prior: Prior | None = None,
        transform: Transform = LOG,
        copies: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.size = size
        self.copies = copies
        self.prior = prior
        self.transform = transform
        self.bounds = (transform.inverse(bounds[0]), transform.inverse(bounds[1]))
        start = min(max(start, bounds[0]), bounds[1])
        with self.name_scope():
            self.raw = self.params.get("raw", shape=(copies, size), init=transform.inverse(start))

    def value(self) -> Tensor:
        """Return the values. Shape ``(copies, size)``."""
        return self.transform.forward(self.raw.data())

    forward = value

    @torch.no_grad()
    def log_prior(self) -> tuple[Tensor, Tensor]:
        """
        Return the logarithm of the prior's density of all, and its derivative by what is fitted.

        Returns:
            Shapes ``(copies,)`` and ``(copies, size)``.
        """
        raw = self.raw.data()
        if self.prior is None:
            return raw.new_zeros(self.copies), torch.zeros_like(raw)
        value = self.transform.forward(raw)
        slope = self.prior.slope(value) * self.transform.slope(raw)
        return self.prior.log_density(value).sum(-1), slope
