"""From words of the command line to what a user's module holds."""

from __future__ import annotations

import importlib
import os
import pathlib
import sys
from typing import Any

from ..errors import EspalierError, nearest


class LoadError(EspalierError, ImportError):
    """What ``package.module:name`` points to is not there, or is not what it must be."""


def load_object(reference: str) -> Any:
    """
    Import what ``package.module:name`` or ``file.py:name`` points to.

    Modules of the current directory are found; a file is imported as the module that it is.

    Raises:
        LoadError: If there is no such module or name, or importing the module raises.
    """
    module, colon, name = reference.rpartition(":")
    if not (module and colon and name):
        raise LoadError(
            f"what is to be imported must be given as package.module:name or file.py:name, got "
            f"{reference!r}."
        )
    if module.endswith(".py"):
        value = _import_file(pathlib.Path(module))
    else:
        here = os.getcwd()  # noqa: PTH109 - an entry of sys.path is a string
        if here not in sys.path and "" not in sys.path:
            sys.path.insert(0, here)
        value = _import(module, here)
    for part in name.split("."):
        try:
            value = getattr(value, part)
        except AttributeError:
            raise LoadError(
                f"{reference}: {module} must have {name!r}; it has no {part!r}."
                f"{nearest(part, dir(value))}"
            ) from None
    return value


def _import(module: str, here: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module}.".startswith(f"{error.name}."):
            raise LoadError(
                f"there is no module {error.name!r}. Modules of the current directory ({here}) "
                f"and installed ones can be named."
            ) from error
        raise LoadError(f"{module}: importing it raised {error}.") from error
    except Exception as error:
        raise LoadError(
            f"{module}: importing it raised {type(error).__name__}: {error}. Run "
            f"`espalier --debug ...` to see where."
        ) from error


def _import_file(path: pathlib.Path) -> Any:
    """Import a file by the name that worker processes find it under."""
    path = path.absolute()
    if not path.is_file():
        raise LoadError(f"{path}: there is no such file.")
    if not path.stem.isidentifier():
        raise LoadError(
            f"{path}: its name must be a word that Python can import, like 'my_study.py'."
        )
    folder = str(path.parent)
    if folder in sys.path:
        sys.path.remove(folder)
    sys.path.insert(0, folder)
    module = _import(path.stem, folder)
    found = getattr(module, "__file__", None)
    if found is None or not path.samefile(found):
        raise LoadError(
            f"{path}: another module is called {path.stem!r}, {found or 'one of Python'}. Give "
            f"the file another name."
        )
    return module
