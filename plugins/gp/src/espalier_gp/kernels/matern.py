"""The Matérn kernel of smoothness 5/2."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, final

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ..hyperparameters import Hyperparameter
from ..priors import LogNormal
from .kernel import Kernel, Told


if TYPE_CHECKING:
    from collections.abc import Sequence

    from .kernel import Towards

__all__ = ["Matern52"]

#: The length scale that is expected of a single one, and how far its logarithm may be away.
_TYPICAL, _SPREAD = 0.27, 0.5

#: What is expected of the output scale. A large one tells to explore: results that gather around
#: the best would make it small.
_SCALE = LogNormal(0.5, 0.5)


@final
class Matern52(Kernel):
    """
    Matérn kernel of smoothness 5/2 with a length scale for each group of columns (ARD).

    With the distance ``r`` of two points after each column was divided by its length scale, it
    is ``scale * (1 + sqrt(5) r + 5/3 r**2) * exp(-sqrt(5) r)``.

    Args:
        groups: The length scale of each column of the points, by its place. Columns that share
            one, as those of a category do, have the same number. A column with ``-1`` is not
            looked at.

        scaled: Whether the kernel has an output scale; without, it is 1 where both points are
            one.

        copies: How many sets of hyper-parameters are kept side by side.

    Source:
        Rasmussen and Williams, *Gaussian Processes for Machine Learning*, 2006, equation 4.17.
        That length scales grow with the square root of their number is from Hvarfner et al.,
        *Vanilla Bayesian Optimization Performs Great in High Dimensions*, ICML 2024,
        arXiv:2402.02229, section 4.
    """

    def __init__(
        self, groups: Sequence[int], *, scaled: bool = True, copies: int = 1, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._columns = torch.tensor([at for at, group in enumerate(groups) if group >= 0])
        used = [group for group in groups if group >= 0]
        self._groups = torch.tensor(used)
        count = max(used) + 1
        self._plain = used == list(range(len(groups)))
        with self.name_scope():
            typical = _TYPICAL * count**0.5
            self.length_scales = Hyperparameter(
                count,
                start=typical,
                bounds=(5e-3, 1e3),
                prior=LogNormal(math.log(typical), _SPREAD),
                copies=copies,
                prefix="length_scales_",
            )
            self.scale = (
                Hyperparameter(
                    1,
                    start=1.0,
                    bounds=(1e-2, 1e2),
                    prior=_SCALE,
                    copies=copies,
                    prefix="scale_",
                )
                if scaled
                else None
            )

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        rates, scale = self._constants()
        left = self._looked_at(first) * rates
        right = None if second is first else self._looked_at(second) * rates
        found: Tensor = _Matern.apply(left, right, scale)  # type: ignore[no-untyped-call]
        return found

    @torch.no_grad()
    def towards(self, points: Tensor) -> Towards:
        rates, scale = self._constants()
        right = self._looked_at(points) * rates
        size = right.new_ones((self.length_scales.copies, 1)) if scale is None else scale[:, :, 0]

        def told(given: Tensor) -> Told:
            left = self._looked_at(given) * rates
            across, linear = matern(left, right)
            if scale is not None:
                across, linear = across.mul_(scale), linear.mul_(scale)

            def pull(slopes: Tensor, alone: Tensor) -> Tensor:
                del alone  # the variance is the same everywhere
                found = (_pulled((slopes * linear).mul_(-5.0 / 3.0), left, right) * rates).sum(0)
                if self._plain:
                    return found
                return torch.zeros_like(given).index_copy_(-1, self._columns, found)

            return Told(across, size.expand(-1, len(given)), pull)

        return told

    def _looked_at(self, points: Tensor) -> Tensor:
        return points if self._plain else points[..., self._columns]

    def _constants(self) -> tuple[Tensor, Tensor | None]:
        """Return what each column is multiplied with, ``(copies, 1, d)``, and the output scale."""
        rates = self.length_scales.value().reciprocal()
        if not self._plain:
            rates = rates[:, self._groups]
        scale = None if self.scale is None else self.scale.value()[:, :, None]
        return rates[:, None, :], scale

    def diagonal(self, points: Tensor) -> Tensor:
        ones = points.new_ones((self.length_scales.copies, points.shape[-2]))
        return ones if self.scale is None else self.scale.value() * ones


def squared_distances(first: Tensor, second: Tensor | None = None) -> Tensor:
    """
    Return the squared distances of points.

    Args:
        first: Shape ``(..., n, d)``.

        second: Shape ``(..., m, d)``; the same as *first* if left out.

    Returns:
        Shape ``(..., n, m)``; exactly 0 on the diagonal if *second* is left out.
    """
    left = first.square().sum(-1, keepdim=True)
    right = left if second is None else second.square().sum(-1, keepdim=True)
    found = (first @ (first if second is None else second).mT).mul_(-2.0).add_(left).add_(right.mT)
    if second is None:
        found.diagonal(dim1=-2, dim2=-1).zero_()
    return found.clamp_min_(0.0)


def matern(first: Tensor, second: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """
    Return the kernel of points whose columns were divided by their length scales.

    It is smooth where two points are one, unlike their distance: its derivative by the squared
    distance is ``-5/6 (1 + sqrt(5) r) exp(-sqrt(5) r)``.

    Args:
        first: Shape ``(..., n, d)``.

        second: Shape ``(..., m, d)``; the same as *first* if left out.

    Returns:
        The kernel, and its derivative without the factor -5/6. Shapes ``(..., n, m)``.
    """
    squared = squared_distances(first, second)
    root = (5.0 * squared).sqrt_()
    decay = (-root).exp_()
    linear = root.add_(1.0).mul_(decay)
    return decay.mul_(squared).mul_(5.0 / 3.0).add_(linear), linear


class _Matern(torch.autograd.Function):
    """`matern`, scaled, with its gradient written down: in small matrices each step counts."""

    @staticmethod
    def forward(ctx: Any, first: Tensor, second: Tensor | None, scale: Tensor | None) -> Tensor:
        found, linear = matern(first, second)
        ctx.save_for_backward(first, second, scale, found, linear)
        return found if scale is None else scale * found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        first, second, scale, found, linear = ctx.saved_tensors
        needed = ctx.needs_input_grad
        of_scale = (grad * found).sum((-2, -1), keepdim=True) if needed[2] else None
        rates = (grad * linear).mul_(-5.0 / 3.0 if scale is None else scale * (-5.0 / 3.0))
        if second is None:
            return _pulled(rates + rates.mT, first, first), None, of_scale
        left = _pulled(rates, first, second) if needed[0] else None
        right = _pulled(rates.mT, second, first) if needed[1] else None
        return left, right, of_scale


def _pulled(rates: Tensor, own: Tensor, others: Tensor) -> Tensor:
    """Return the sums over *others* of the rate of each pair times what they are apart."""
    return rates.sum(-1, keepdim=True) * own - rates @ others
