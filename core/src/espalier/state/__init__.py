"""Save models with the steps they went through, and restore them on a fresh instance."""

from .restore import restore
from .save import save


__all__ = ["restore", "save"]
