"""The Matérn kernel of smoothness 5/2."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, final

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ..hyperparameters import Hyperparameter
from ..priors import LogNormal
from .kernel import Kernel


if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Matern52"]

#: The length scale that is expected of a single one, and how far its logarithm may be away.
_TYPICAL, _SPREAD = 0.27, 0.7


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
                    prior=LogNormal(0.0, 1.0),
                    copies=copies,
                    prefix="scale_",
                )
                if scaled
                else None
            )

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        if not self._plain:
            first, second = first[..., self._columns], second[..., self._columns]
        rates = 1.0 / self.length_scales.value()
        if not self._plain:
            rates = rates[:, self._groups]
        rates = rates[:, None, :]
        squared = squared_distances(first * rates, second * rates if second is not first else None)
        found: Tensor = _OfSquaredDistance.apply(squared)  # type: ignore[no-untyped-call]
        return found if self.scale is None else self.scale.value()[:, :, None] * found

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
    if second is None:
        found = left + left.mT - 2.0 * first @ first.mT
        found = found - torch.diag_embed(found.diagonal(dim1=-2, dim2=-1).detach())
    else:
        found = left + second.square().sum(-1, keepdim=True).mT - 2.0 * first @ second.mT
    return found.clamp_min(0.0)


class _OfSquaredDistance(torch.autograd.Function):
    """
    The kernel by the squared distance, smooth at 0.

    The derivative by the squared distance is ``-5/6 (1 + sqrt(5) r) exp(-sqrt(5) r)``.
    """

    @staticmethod
    def forward(ctx: Any, squared: Tensor) -> Tensor:
        root = (5.0 * squared).sqrt_()
        decay = (-root).exp_()
        linear = (1.0 + root).mul_(decay)
        ctx.save_for_backward(linear)
        return linear + decay.mul_(squared).mul_(5.0 / 3.0)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (linear,) = ctx.saved_tensors
        return grad * linear * (-5.0 / 6.0)
