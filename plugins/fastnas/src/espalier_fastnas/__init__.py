"""The mode ``fastnas``: prune every layer as far as a score allows."""

from typing import TYPE_CHECKING

from espalier.lazy import lazy_names


if TYPE_CHECKING:
    from .config import FastNASConfig
    from .mode import FastNASModeDescriptor
    from .searcher import BinarySearcher
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "BinarySearcher": "espalier_fastnas.searcher",
            "FastNASConfig": "espalier_fastnas.config",
            "FastNASModeDescriptor": "espalier_fastnas.mode",
        },
    )

__all__ = ["BinarySearcher", "FastNASConfig", "FastNASModeDescriptor"]
