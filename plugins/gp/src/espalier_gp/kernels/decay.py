"""A kernel of results that come nearer to a limit the longer something runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from ..hyperparameters import Hyperparameter
from ..priors import LogNormal
from .kernel import Kernel


if TYPE_CHECKING:
    from torch import Tensor


__all__ = ["ExponentialDecay"]


@final
class ExponentialDecay(Kernel):
    """
    Covariance of learning curves that decay exponentially to a common limit.

    Of two fidelities ``s`` and ``t`` it is ``1 + weight * beta**alpha / (s + t + beta)**alpha``:
    sums of decaying exponentials whose rates have a Gamma distribution, and a constant.

    Args:
        column: Where the points have their fidelity, from 0 to 1.

        copies: How many sets of hyper-parameters are kept side by side.

    Source:
        Swersky, Snoek and Adams, *Freeze-Thaw Bayesian Optimization*, 2014, arXiv:1406.3896,
        equation 5.
    """

    def __init__(self, column: int, *, copies: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._column = column
        with self.name_scope():
            self.alpha, self.beta, self.weight = (
                Hyperparameter(
                    1,
                    start=1.0,
                    bounds=bounds,
                    prior=LogNormal(0.0, 1.0),
                    copies=copies,
                    prefix=prefix,
                )
                for prefix, bounds in (
                    ("alpha_", (0.05, 20.0)),
                    ("beta_", (0.05, 20.0)),
                    ("weight_", (1e-3, 1e2)),
                )
            )

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        left = first[..., self._column].unsqueeze(-1)
        right = second[..., self._column].unsqueeze(-2)
        return self._of(left + right)

    def diagonal(self, points: Tensor) -> Tensor:
        return self._of(2.0 * points[..., self._column].unsqueeze(-1)).squeeze(-1)

    def _of(self, total: Tensor) -> Tensor:
        alpha, beta, weight = (
            one.value()[:, :, None] for one in (self.alpha, self.beta, self.weight)
        )
        return 1.0 + weight * (beta / (total + beta)) ** alpha
