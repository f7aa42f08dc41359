"""What a kernel is, and what sums and products of them are."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias, final

import torch
from torch import Tensor

from ..gluon import Block


__all__ = ["Kernel", "ProductKernel", "SumKernel", "Told", "Towards"]


class Told(NamedTuple):
    """
    What a kernel says of some points.

    Attributes:
        across: Covariances with the points that stay. Shape ``(copies, m, n)``.

        alone: Variances. Shape ``(copies, m)``.

        pull: Gives, for the derivatives of a number by *across* and by *alone*, its derivative by
            the points, shape ``(m, d)``.
    """

    across: Tensor
    alone: Tensor
    pull: Callable[[Tensor, Tensor], Tensor]


#: Tells of points, shape ``(m, d)``, as seen from others that stay.
Towards: TypeAlias = Callable[[Tensor], Told]


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

    def towards(self, points: Tensor) -> Towards:
        """
        Return what tells the covariances with *points*, which stay, as the hyper-parameters do.

        A kernel that knows its own derivatives overrides it, to be fast.

        Args:
            points: Shape ``(n, d)``.
        """

        def told(given: Tensor) -> Told:
            with torch.enable_grad():
                leaf = given.detach().requires_grad_()
                found, own = self(leaf, points), self.diagonal(leaf)

            def pull(across: Tensor, alone: Tensor) -> Tensor:
                (slope,) = torch.autograd.grad(
                    (found, own), leaf, (across, alone), allow_unused=True, retain_graph=True
                )
                return torch.zeros_like(leaf) if slope is None else slope

            return Told(found.detach(), own.detach(), pull)

        return told

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

    def towards(self, points: Tensor) -> Towards:
        left, right = self.left.towards(points), self.right.towards(points)

        def told(given: Tensor) -> Told:
            one, other = left(given), right(given)
            return Told(
                one.across + other.across,
                one.alone + other.alone,
                lambda across, alone: one.pull(across, alone) + other.pull(across, alone),
            )

        return told

    def diagonal(self, points: Tensor) -> Tensor:
        return self.left.diagonal(points) + self.right.diagonal(points)


@final
class ProductKernel(_Pair):
    """The product of two kernels: similar where both say so."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return self.left(first, second) * self.right(first, second)

    def towards(self, points: Tensor) -> Towards:
        left, right = self.left.towards(points), self.right.towards(points)

        def told(given: Tensor) -> Told:
            one, other = left(given), right(given)

            def pull(across: Tensor, alone: Tensor) -> Tensor:
                first = one.pull(across * other.across, alone * other.alone)
                return first + other.pull(across * one.across, alone * one.alone)

            return Told(one.across * other.across, one.alone * other.alone, pull)

        return told

    def diagonal(self, points: Tensor) -> Tensor:
        return self.left.diagonal(points) * self.right.diagonal(points)
