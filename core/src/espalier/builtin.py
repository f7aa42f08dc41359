"""What the core itself offers: metrics that every model has, and the way back to a plain one."""

from collections.abc import Iterator

from .plugins import MetricOffer, ModeOffer, hookimpl


ESPALIER_API = (1, 0)


@hookimpl
def espalier_metrics() -> Iterator[MetricOffer]:
    yield MetricOffer("params", "espalier.metric.params:Params", "Elements of all parameters.")
    yield MetricOffer(
        "flops", "espalier.metric.flops:Flops", "Multiply-accumulates for the given inputs."
    )
    yield MetricOffer(
        "weight_bytes",
        "espalier.metric.weight_bytes:WeightBytes",
        "Bytes of all parameters and buffers.",
    )
    yield MetricOffer(
        "activation_bytes",
        "espalier.metric.activation_bytes:ActivationBytes",
        "Most bytes of activations alive at one time, for the given inputs.",
    )


@hookimpl
def espalier_modes() -> Iterator[ModeOffer]:
    yield ModeOffer(
        "export", "espalier.mode.export:ExportModeDescriptor", "Makes a converted model plain."
    )
