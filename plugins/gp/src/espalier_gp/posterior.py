"""What a process says once observations were made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, final

import attrs
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .linalg import cholesky


if TYPE_CHECKING:
    from .kernels import Towards
    from .process import GaussianProcess

__all__ = ["Posterior"]

#: The least variance that is told, relative to the prior's.
_LEAST = 1e-12


@final
@attrs.frozen(eq=False)
class Posterior:
    """
    A process with fixed hyper-parameters, and observations.

    The inverse of the Cholesky factor is kept: predictions are products of matrices then, and one
    more observation is one more row.

    Attributes:
        process: With one or several copies of hyper-parameters.

        points: Where was observed. Shape ``(n, d)``.

        factor: The Cholesky factor of the observations' covariance. Shape ``(copies, n, n)``.

        inverse: The inverse of *factor*. Shape ``(copies, n, n)``.

        values: What was observed: several possible sets of values, one a row, where not all are
            known. Shape ``(copies or 1, sets, n)``.

        weights: Shape ``(copies, sets, n)``.

        whole: How many observations were taken in at once; the others came one by one.
    """

    process: GaussianProcess
    points: Tensor
    factor: Tensor
    inverse: Tensor
    values: Tensor
    weights: Tensor
    whole: int
    _towards: Towards = attrs.field(init=False, repr=False)

    @_towards.default
    def _from_the_points(self) -> Towards:
        return self.process.kernel.towards(self.points)

    def __reduce__(self) -> tuple[Any, ...]:
        # What the kernel tells is a function, which can't be pickled; it is made anew.
        fields = [field.name for field in attrs.fields(type(self)) if field.init]
        return type(self), tuple(getattr(self, name) for name in fields)

    @classmethod
    @torch.no_grad()
    def of(cls, process: GaussianProcess, points: Tensor, values: Tensor) -> Self:
        """
        Return the posterior of *process* after observations.

        Args:
            process: Its hyper-parameters are not to change any more.

            points: Shape ``(n, d)``; *n* may be 0.

            values: Shape ``(n,)``, or ``(copies or 1, sets, n)``.

        Raises:
            NotPositiveDefiniteError: If the covariance can't be factorised.
        """
        factor = cholesky(process.covariance(points))
        identity = torch.eye(len(points), dtype=factor.dtype, device=factor.device)
        inverse = torch.linalg.solve_triangular(factor, identity.expand_as(factor), upper=False)
        return cls._made(process, points, (factor, inverse), values, len(points))

    @classmethod
    def _made(
        cls,
        process: GaussianProcess,
        points: Tensor,
        factors: tuple[Tensor, Tensor],
        values: Tensor,
        whole: int,
    ) -> Self:
        factor, inverse = factors
        values = values.reshape(1, 1, -1) if values.dim() == 1 else values
        residuals = (values - process.mean(points)[:, None, :]).expand(
            len(factor), values.shape[1], len(points)
        )
        weights = (residuals @ inverse.mT) @ inverse
        return cls(process, points, factor, inverse, values, weights, whole)

    @torch.no_grad()
    def with_values(self, values: Tensor) -> Self:
        """
        Return the same with other values at the same points.

        Args:
            values: Shape ``(n,)``, or ``(copies or 1, sets, n)``.
        """
        return self._made(
            self.process, self.points, (self.factor, self.inverse), values, self.whole
        )

    @torch.no_grad()
    def first(self, count: int) -> Self:
        """
        Return the posterior of the first observations, as it was before the later ones came.

        Args:
            count: How many; no fewer than *whole*.
        """
        factor, inverse = (
            one[:, :count, :count].contiguous() for one in (self.factor, self.inverse)
        )
        values = self.values[..., :count]
        return self._made(self.process, self.points[:count], (factor, inverse), values, self.whole)

    @torch.no_grad()
    def extended(self, points: Tensor, values: Tensor) -> Self:
        """
        Return the posterior after one more observation, in time quadratic in their number.

        Args:
            points: The new point. Shape ``(d,)``.

            values: Of all observations, the new one last. Shape ``(n + 1,)``, or
                ``(copies or 1, sets, n + 1)``.

        Raises:
            NotPositiveDefiniteError: If the covariance can't be factorised.
        """
        everything = torch.cat([self.points, points[None]])
        kernel, noise = self.process.kernel, self.process.likelihood.noise.value()
        across = kernel(points[None], self.points)  # (copies, 1, n)
        row = across @ self.inverse.mT
        rest = kernel.diagonal(points[None]) + noise - row.square().sum(-1)
        if not bool((rest > _LEAST).all()):
            return self.of(self.process, everything, values)
        corner = rest.sqrt()[:, :, None]
        factor = _bordered(self.factor, row, corner)
        inverse = _bordered(self.inverse, -(row @ self.inverse) / corner, 1.0 / corner)
        return self._made(self.process, everything, (factor, inverse), values, self.whole)

    def predict(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """
        Return the mean and the variance of the function.

        Args:
            points: Shape ``(m, d)``.

        Returns:
            The means, shape ``(copies, sets, m)``, and the variances, shape ``(copies, 1, m)``,
            without the noise; both can be differentiated by *points*.
        """
        found, variance = _Predict.apply(points, self, self._towards)  # type: ignore[no-untyped-call]
        return self.process.mean(points).detach()[:, None, :] + found, variance

    @torch.no_grad()
    def joint(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """
        Return the means and the covariances of the function at several points.

        Args:
            points: Shape ``(m, d)``.

        Returns:
            Shapes ``(copies, sets, m)`` and ``(copies, m, m)``, without the noise.
        """
        across = self.process.kernel(points, self.points)
        mean = self.process.mean(points)[:, None, :] + self.weights @ across.mT
        half = across @ self.inverse.mT
        covariance = self.process.kernel(points, points) - half @ half.mT
        return mean, covariance


class _Predict(torch.autograd.Function):
    """Mean, but for that of the process, and variance; with their gradients by the points."""

    @staticmethod
    def forward(
        ctx: Any, points: Tensor, posterior: Posterior, towards: Towards
    ) -> tuple[Tensor, Tensor]:
        across, alone, pull = towards(points)
        half = across @ posterior.inverse.mT
        variance = alone - half.square().sum(-1)
        least = alone * _LEAST
        ctx.posterior, ctx.half, ctx.pull = posterior, half, pull
        ctx.settled = variance < least
        return posterior.weights @ across.mT, torch.maximum(variance, least)[:, None, :]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_mean: Tensor, of_variance: Tensor) -> tuple[Tensor, None, None]:
        posterior = ctx.posterior
        own = of_variance[:, 0].masked_fill(ctx.settled, 0.0)
        across = of_mean.mT @ posterior.weights
        across = across.add_((ctx.half * (-2.0 * own)[..., None]) @ posterior.inverse)
        return ctx.pull(across, own), None, None


def _bordered(matrix: Tensor, row: Tensor, corner: Tensor) -> Tensor:
    """Return a lower triangular matrix with one more row: *row*, and *corner* on the diagonal."""
    size = matrix.shape[-1]
    found = matrix.new_empty((len(matrix), size + 1, size + 1))
    found[:, :size, :size] = matrix
    found[:, :size, size] = 0.0
    found[:, size:, :size], found[:, size:, size:] = row, corner
    return found
