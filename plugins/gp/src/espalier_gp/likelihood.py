"""How what is seen differs from the function's value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from .gluon import Block
from .hyperparameters import Hyperparameter
from .priors import LogNormal


if TYPE_CHECKING:
    from torch import Tensor

    from .priors import Prior

__all__ = ["GaussianLikelihood"]

#: Many functions that are tuned are exact; some are not. If noise were never believed to be less
#: than results differ by near the best, there would seem to be something to gain there for ever.
_PRIOR, _LEAST = LogNormal(-12.0, 4.0), 1e-10


@final
class GaussianLikelihood(Block):
    """
    Adds noise with a normal distribution, the same everywhere.

    Args:
        bounds: The least and the largest variance.

        prior: What is believed of the variance.

        copies: How many sets of hyper-parameters are kept side by side.
    """

    def __init__(
        self,
        *,
        bounds: tuple[float, float] = (_LEAST, 10.0),
        prior: Prior | None = _PRIOR,
        copies: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        with self.name_scope():
            self.noise = Hyperparameter(
                1, start=1e-3, bounds=bounds, prior=prior, copies=copies, prefix="noise_"
            )

    def forward(self, covariance: Tensor) -> Tensor:
        """
        Return the covariance of what is seen.

        Args:
            covariance: Of the function's values. Shape ``(copies, n, n)``.

        Returns:
            Shape ``(copies, n, n)``.
        """
        noise = self.noise.value().expand(-1, covariance.shape[-1])
        return covariance + noise.diag_embed()
