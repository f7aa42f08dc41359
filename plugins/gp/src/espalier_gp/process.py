"""A Gaussian process: a kernel, a mean and a likelihood."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from .evidence import negative_log_evidence
from .gluon import Block
from .hyperparameters import Hyperparameter


if TYPE_CHECKING:
    from torch import Tensor

    from .kernels import Kernel
    from .likelihood import GaussianLikelihood
    from .means import Mean

__all__ = ["GaussianProcess", "hyperparameters_of"]


@final
class GaussianProcess(Block):
    """
    A prior over functions, and the noise of what is seen of them.

    Args:
        kernel: Covariance of the function's values.

        mean: Mean of the function's values.

        likelihood: The noise.
    """

    def __init__(
        self, kernel: Kernel, mean: Mean, likelihood: GaussianLikelihood, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.kernel = kernel
        self.mean = mean
        self.likelihood = likelihood

    def covariance(self, points: Tensor) -> Tensor:
        """
        Return the covariance of observations.

        Args:
            points: Shape ``(n, d)``.

        Returns:
            Shape ``(copies, n, n)``.
        """
        found: Tensor = self.likelihood(self.kernel(points, points))
        return found

    def forward(self, points: Tensor, values: Tensor) -> Tensor:
        """
        Return the negative logarithm of the evidence.

        Args:
            points: Where was observed. Shape ``(n, d)``.

            values: What was observed. Shape ``(n,)``, or ``(copies, n)``.

        Returns:
            Shape ``(copies,)``.

        Raises:
            NotPositiveDefiniteError: If a covariance can't be factorised.
        """
        covariance = self.covariance(points)
        residuals = (values - self.mean(points)).expand(covariance.shape[:-1])
        return negative_log_evidence(covariance, residuals)


def hyperparameters_of(block: Block) -> list[Hyperparameter]:
    """Return the hyper-parameters of *block* and its children, in a fixed order."""
    found: list[Hyperparameter] = []

    def look(one: Block) -> None:
        if isinstance(one, Hyperparameter):
            found.append(one)

    block.apply(look)
    return found
