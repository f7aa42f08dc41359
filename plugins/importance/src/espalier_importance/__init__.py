"""Importance by normalisation scales, and by activations."""

from typing import TYPE_CHECKING

from espalier.lazy import lazy_names


if TYPE_CHECKING:
    from .activation import Activation
    from .norm_scale import BatchNormScale
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "Activation": "espalier_importance.activation",
            "BatchNormScale": "espalier_importance.norm_scale",
        },
    )

__all__ = ["Activation", "BatchNormScale"]
