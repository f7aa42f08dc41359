"""What this distribution offers: the metric ``latency_ms``."""

from collections.abc import Iterator

from espalier import hookimpl
from espalier.plugins import MetricOffer


ESPALIER_API = (1, 0)


@hookimpl
def espalier_metrics() -> Iterator[MetricOffer]:
    yield MetricOffer(
        "latency_ms",
        "espalier_latency.metric:LatencyMs",
        "Milliseconds of a forward pass, measured on the device at hand.",
    )
