"""The bytes of all weights."""

from collections.abc import Mapping
from typing import Any, final

from torch import nn

from ..spaces import supernet_of
from .metric import Metric


@final
class WeightBytes(Metric):
    """Bytes of all parameters and buffers; shared ones count once."""

    name = "weight_bytes"
    unit = "bytes"

    def measure(self, model: nn.Module, config: Mapping[str, Any]) -> float:
        """Return the number for one configuration, without running the model."""
        return supernet_of(model).costs.weight_bytes(config)
