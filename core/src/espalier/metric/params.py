"""The number of parameters."""

from collections.abc import Mapping
from typing import Any, final

from torch import nn

from ..spaces import supernet_of
from .metric import Metric


@final
class Params(Metric):
    """Elements of all parameters; shared ones count once, buffers do not count."""

    name = "params"
    unit = "parameters"

    def measure(self, model: nn.Module, config: Mapping[str, Any]) -> float:
        """Return the number for one configuration, without running the model."""
        return supernet_of(model).costs.params(config)
