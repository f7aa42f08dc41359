"""The number of multiply-accumulates."""

from collections.abc import Mapping
from typing import Any, final

from torch import nn

from ..spaces import supernet_of
from .metric import Metric


@final
class Flops(Metric):
    """
    Multiply-accumulates of one forward pass of the example inputs, the whole batch included.

    Convolutions, matrix products and attention count; one multiply-accumulate counts as one. An
    addition of a bias, a normalisation or an activation counts as nothing.
    """

    name = "flops"
    unit = "multiply-accumulates"

    def measure(self, model: nn.Module, config: Mapping[str, Any]) -> float:
        """Return the number for one configuration, without running the model."""
        return supernet_of(model).costs.flops(config)
