"""What a kernel is, and what sums and products of them are."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Any, final

from ..gluon import Block


if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Kernel", "ProductKernel", "SumKernel"]


class Kernel(Block, abc.ABC):
    """
    The covariance of a function's values at two points.

    Its hyper-parameters are kept in several copies, as many models side by side; a result has a
    leading dimension for them. Kernels can be added and multiplied: ``a + b``, ``a * b``.
    """

    @abc.abstractmethod
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """
        Return the covariances of two sets of points.

        Args:
            first: Shape ``(n, d)``, or ``(copies, n, d)``.

            second: Shape ``(m, d)``, or ``(copies, m, d)``; *first* itself for the covariances
                within a set.

        Returns:
            Shape ``(copies, n, m)``.
        """

    @abc.abstractmethod
    def diagonal(self, points: Tensor) -> Tensor:
        """
        Return the variance at each point.

        Args:
            points: Shape ``(n, d)``, or ``(copies, n, d)``.

        Returns:
            Shape ``(copies, n)``.
        """

    def __add__(self, other: Kernel) -> SumKernel:
        return SumKernel(self, other)

    def __mul__(self, other: Kernel) -> ProductKernel:
        return ProductKernel(self, other)


class _Pair(Kernel):
    """Two kernels of the same points."""

    def __init__(self, left: Kernel, right: Kernel, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.left = left
        self.right = right


@final
class SumKernel(_Pair):
    """The sum of two kernels: of two functions that are added."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return self.left(first, second) + self.right(first, second)

    def diagonal(self, points: Tensor) -> Tensor:
        return self.left.diagonal(points) + self.right.diagonal(points)


@final
class ProductKernel(_Pair):
    """The product of two kernels: similar where both say so."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return self.left(first, second) * self.right(first, second)

    def diagonal(self, points: Tensor) -> Tensor:
        return self.left.diagonal(points) * self.right.diagonal(points)
