"""What this distribution offers: the command ``espalier demo``."""

from collections.abc import Iterator

from espalier import hookimpl
from espalier.plugins import CommandOffer


ESPALIER_API = (1, 0)


@hookimpl
def espalier_commands() -> Iterator[CommandOffer]:
    yield CommandOffer(
        "demo", "espalier_demo.command:demo", "Shrink a small network on a real data set."
    )
