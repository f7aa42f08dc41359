"""What this distribution offers: the mode ``gradnas``."""

from collections.abc import Iterator

from espalier import hookimpl
from espalier.plugins import ModeOffer


ESPALIER_API = (1, 0)


@hookimpl
def espalier_modes() -> Iterator[ModeOffer]:
    yield ModeOffer(
        "gradnas",
        "espalier_gradnas.mode:GradNASModeDescriptor",
        "Prune the units that the loss feels least, under a budget.",
    )
