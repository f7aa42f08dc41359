"""What this distribution offers: the mode ``fastnas``."""

from collections.abc import Iterator

from espalier import hookimpl
from espalier.plugins import ModeOffer


ESPALIER_API = (1, 0)


@hookimpl
def espalier_modes() -> Iterator[ModeOffer]:
    yield ModeOffer(
        "fastnas",
        "espalier_fastnas.mode:FastNASModeDescriptor",
        "Prune every layer as far as a score allows, under a budget.",
    )
