"""The most bytes of activations at one time."""

from collections.abc import Mapping
from typing import Any, final

from torch import nn

from ..spaces import supernet_of
from .metric import Metric


@final
class ActivationBytes(Metric):
    """
    Most bytes of activations that are alive at one time of a forward pass of the example inputs.

    The pass is one in evaluation mode without gradients. The inputs count, and so do the whole
    batch and everything that a part of is still referred to; what a kernel needs for itself while
    it runs does not count: attention whose queries and values have different sizes is run by
    one that needs much.
    """

    name = "activation_bytes"
    unit = "bytes"

    def measure(self, model: nn.Module, config: Mapping[str, Any]) -> float:
        """Return the number for one configuration, without running the model."""
        return supernet_of(model).costs.activation_bytes(config)
