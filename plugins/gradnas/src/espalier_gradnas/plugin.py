"""What this distribution offers: the mode ``gradnas``, and importances by gradients."""

from collections.abc import Iterator

from espalier import hookimpl
from espalier.plugins import ImportanceOffer, ModeOffer


ESPALIER_API = (1, 0)


@hookimpl
def espalier_modes() -> Iterator[ModeOffer]:
    yield ModeOffer(
        "gradnas",
        "espalier_gradnas.mode:GradNASModeDescriptor",
        "Prune the units that the loss feels least, under a budget.",
    )


@hookimpl
def espalier_importances() -> Iterator[ImportanceOffer]:
    yield ImportanceOffer(
        "mask_gradient",
        "espalier_gradnas.estimators:MaskGradient",
        "Squared derivative of the loss by a mask on the unit.",
    )
    yield ImportanceOffer(
        "taylor",
        "espalier_gradnas.estimators:Taylor",
        "First-order change of the loss without the unit.",
    )
