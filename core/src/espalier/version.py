"""Which release this is."""

import importlib.metadata


__all__ = ["__version__"]

__version__ = importlib.metadata.version("espalier-core")
