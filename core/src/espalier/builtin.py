"""What the core itself offers: what every model has, whatever its layers."""

from collections.abc import Iterator

from .plugins import ImportanceOffer, MetricOffer, ModeOffer, StoreOffer, hookimpl


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
def espalier_stores() -> Iterator[StoreOffer]:
    """Offer what lasts as long as the process."""
    yield StoreOffer("memory", "espalier.studies.memory:MemoryStore", "Ends with the process.")


@hookimpl
def espalier_importances() -> Iterator[ImportanceOffer]:
    yield ImportanceOffer(
        "l1", "espalier.importance.magnitude:L1", "L1 norm of all weights that carry the unit."
    )
    yield ImportanceOffer(
        "l2", "espalier.importance.magnitude:L2", "L2 norm of all weights that carry the unit."
    )
    yield ImportanceOffer(
        "random", "espalier.importance.chance:Random", "Drawn from a seed: a baseline."
    )


@hookimpl
def espalier_modes() -> Iterator[ModeOffer]:
    yield ModeOffer(
        "export", "espalier.mode.export:ExportModeDescriptor", "Makes a converted model plain."
    )
