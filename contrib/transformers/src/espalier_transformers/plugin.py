"""What this distribution offers: it keeps the configuration of exported models true."""

import sys
from typing import TYPE_CHECKING

from espalier import hookimpl


if TYPE_CHECKING:
    from torch import nn

ESPALIER_API = (1, 0)


@hookimpl
def espalier_exported(model: "nn.Module", inputs: object) -> None:
    # Whoever has a model of that library has loaded it; nobody else should pay for that.
    if "transformers" in sys.modules:
        from .truth import keep_true

        keep_true(model, inputs)
