"""A kernel whose inputs are bent first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import torch

from ..hyperparameters import Hyperparameter
from ..priors import LogNormal
from .kernel import Kernel


if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["WarpedKernel"]

#: How near to 0 and 1 an input may be, where the slope may be infinite.
_RIM = 1e-7


@final
class WarpedKernel(Kernel):
    """
    A kernel of inputs that went through the distribution function of Kumaraswamy.

    An input ``x`` of the unit interval becomes ``1 - (1 - x**a)**b``, with an ``a`` and a ``b``
    for each column that is warped; both are 1 where nothing bends.

    Args:
        kernel: What is given the warped points.

        columns: Which columns are warped; their inputs are between 0 and 1.

        copies: How many sets of hyper-parameters are kept side by side.

    Source:
        Snoek et al., *Input Warping for Bayesian Optimization of Non-Stationary Functions*, ICML
        2014, arXiv:1402.0929; the distribution instead of the Beta is that of Balandat et al.,
        *BoTorch*, NeurIPS 2020, arXiv:1910.06403.
    """

    def __init__(
        self, kernel: Kernel, columns: Sequence[int], *, copies: int = 1, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.kernel = kernel
        self._columns = torch.tensor(list(columns), dtype=torch.long)
        with self.name_scope():
            self.first_shape, self.second_shape = (
                Hyperparameter(
                    len(columns),
                    start=1.0,
                    bounds=(0.2, 5.0),
                    prior=LogNormal(0.0, 0.3),
                    copies=copies,
                    prefix=prefix,
                )
                for prefix in ("a_", "b_")
            )

    def warp(self, points: Tensor) -> Tensor:
        """
        Return the points as the inner kernel sees them.

        Args:
            points: Shape ``(n, d)`` or ``(copies, n, d)``.

        Returns:
            Shape ``(copies, n, d)``.
        """
        a = self.first_shape.value()[:, None, :]
        b = self.second_shape.value()[:, None, :]
        inner = points[..., self._columns].clamp(_RIM, 1.0 - _RIM)
        bent = 1.0 - (1.0 - inner**a) ** b
        if self._columns.numel() == points.shape[-1]:
            return bent
        whole = points.expand(*bent.shape[:-1], points.shape[-1])
        return whole.index_copy(-1, self._columns, bent)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        bent = self.warp(first)
        return self.kernel(bent, bent if second is first else self.warp(second))

    def diagonal(self, points: Tensor) -> Tensor:
        return self.kernel.diagonal(points)
