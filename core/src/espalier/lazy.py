"""Import public names on first use, so that a package is quick to import."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def lazy_names(
    package: str, table: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """
    Make the ``__getattr__`` and ``__dir__`` of a package from a table of its names.

    Args:
        package: The package's ``__name__``.

        table: Public name to the module that defines it.

    Returns:
        The two functions, to be assigned in the package's ``__init__``.

    Example:
        >>> __getattr__, __dir__ = lazy_names("json", {"JSONDecoder": "json.decoder"})
        >>> __getattr__("JSONDecoder").__name__
        'JSONDecoder'
        >>> __dir__()
        ['JSONDecoder']
    """

    def load(name: str) -> object:
        if name not in table:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(table[name]), name)
        # Found in the package itself from now on.
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted(table)

    return load, names
