"""The metric ``latency_ms``: measured on the device at hand, and fitted for unseen subnets."""

from typing import TYPE_CHECKING

from espalier.lazy import lazy_names


if TYPE_CHECKING:
    from .effort import Effort
    from .metric import LatencyMs, latency_model
    from .model import LatencyModel
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "Effort": "espalier_latency.effort",
            "LatencyMs": "espalier_latency.metric",
            "LatencyModel": "espalier_latency.model",
            "latency_model": "espalier_latency.metric",
        },
    )

__all__ = ["Effort", "LatencyModel", "LatencyMs", "latency_model"]
