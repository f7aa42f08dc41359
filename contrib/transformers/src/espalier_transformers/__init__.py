"""Hugging Face models that stay loadable after they were pruned."""

from typing import TYPE_CHECKING

from espalier.lazy import lazy_names


if TYPE_CHECKING:
    from .converting import convert
    from .loading import from_pretrained
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "convert": "espalier_transformers.converting",
            "from_pretrained": "espalier_transformers.loading",
        },
    )

__all__ = ["convert", "from_pretrained"]
