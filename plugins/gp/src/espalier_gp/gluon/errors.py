"""What can go wrong with blocks and parameters."""

from __future__ import annotations

from espalier.errors import EspalierError


__all__ = ["DeferredInitializationError", "GluonError"]


class GluonError(EspalierError):
    """A block or a parameter was used in a way that it has no meaning for."""


class DeferredInitializationError(GluonError):
    """A parameter was read whose shape is not known yet."""
