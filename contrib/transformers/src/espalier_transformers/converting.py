"""Convert a Hugging Face model, if asked for so that its configuration can say every subnet."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from transformers import PreTrainedModel

import espalier
from espalier.errors import ConversionError

from .uniform import make_uniform


if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from espalier.mode import ModeConfig


def convert(
    model: nn.Module,
    mode: str = "fastnas",
    *,
    inputs: Any,
    config: ModeConfig | Mapping[str, Any] | None = None,
    uniform: bool = False,
) -> nn.Module:
    """
    Make the sizes of a Hugging Face model searchable, in place.

    Args:
        model: As `espalier.convert`.

        mode: As `espalier.convert`.

        inputs: As `espalier.convert`. Given by name, they are run without a cache of keys and
            values unless they say otherwise.

        config: As `espalier.convert`.

        uniform: Whether to offer only what the model's configuration can say, so that every
            exported subnet loads with the library alone. Layers that share a number there get
            one choice, and what has no number there stays as it is.

    Returns:
        The same object; for a wrapper, the module inside.

    Raises:
        ConversionError: If *uniform* is asked for a model that is not of the library, or that was
            changed since it was built. It is left converted then, without ties.

        EspalierError: What `espalier.convert` raises.
    """
    made = espalier.convert(model, mode, inputs=_without_cache(model, inputs), config=config)
    if uniform:
        if not isinstance(made, PreTrainedModel):
            raise ConversionError(
                f"uniform=True needs a configuration to say the sizes: a PreTrainedModel of "
                f"transformers, got {type(made).__name__}. Convert it with espalier.convert."
            )
        make_uniform(made)
    return made


def _without_cache(model: nn.Module, inputs: Any) -> Any:
    # What a cache hands out counts as a result, and no size of a result may change.
    if not isinstance(inputs, dict) or "use_cache" in inputs:
        return inputs
    takes = "use_cache" in inspect.signature(model.forward).parameters
    return {**inputs, "use_cache": False} if takes else inputs
