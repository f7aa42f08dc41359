"""What this distribution offers: importance by normalisation scales, and by activations."""

from collections.abc import Iterator

from espalier import hookimpl
from espalier.plugins import ImportanceOffer


ESPALIER_API = (1, 0)


@hookimpl
def espalier_importances() -> Iterator[ImportanceOffer]:
    yield ImportanceOffer(
        "bn_scale",
        "espalier_importance.norm_scale:BatchNormScale",
        "Scale that normalisations give the unit.",
    )
    yield ImportanceOffer(
        "activation",
        "espalier_importance.activation:Activation",
        "Mean absolute activation of the unit on calibration data.",
    )
