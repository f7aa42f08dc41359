"""How good a point may be at best."""

from __future__ import annotations

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from torch import Tensor


__all__ = ["confidence"]


def confidence(mean: Tensor, deviation: Tensor, beta: float) -> Tensor:
    """
    Return how small a value may well be, as a number that is to be large (GP-UCB).

    Args:
        mean: Of a value that is to be small. Any shape.

        deviation: A shape that broadcasts with it.

        beta: The square of how many deviations are allowed for.

    Returns:
        ``-(mean - sqrt(beta) * deviation)``, of the broadcast shape.

    Source:
        Srinivas et al., *Gaussian Process Optimization in the Bandit Setting*, ICML 2010,
        arXiv:0912.3995, equation 6.
    """
    return beta**0.5 * deviation - mean
