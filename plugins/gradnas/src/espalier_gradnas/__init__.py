"""The mode ``gradnas``: prune the units that the loss feels least."""

from typing import TYPE_CHECKING

from espalier.lazy import lazy_names


if TYPE_CHECKING:
    from .config import GradNASConfig
    from .manager import GradientDataManager
    from .mode import GradNASModeDescriptor
    from .searcher import GradientBinarySearcher
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "GradNASConfig": "espalier_gradnas.config",
            "GradNASModeDescriptor": "espalier_gradnas.mode",
            "GradientBinarySearcher": "espalier_gradnas.searcher",
            "GradientDataManager": "espalier_gradnas.manager",
        },
    )

__all__ = [
    "GradNASConfig",
    "GradNASModeDescriptor",
    "GradientBinarySearcher",
    "GradientDataManager",
]
