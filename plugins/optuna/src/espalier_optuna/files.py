"""Check the path of a file that is to hold studies."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from espalier.errors import StoreError


if TYPE_CHECKING:
    import pathlib

__all__ = ["check_file"]


def check_file(path: pathlib.Path) -> None:
    """
    Check that *path* is a file that can be read, or can be made.

    Raises:
        StoreError: If it is a folder, its folder is missing, or there is no permission.
    """
    if path.is_dir():
        raise StoreError(f"{path} is a folder; a study is kept in a file: {path / 'study.db'}.")
    folder = path.parent
    if not folder.is_dir():
        raise StoreError(f"{path} can't be made: there is no folder {folder}. Make it first.")
    if path.exists():
        if not os.access(path, os.R_OK):
            raise StoreError(f"{path} can't be read: permission denied.")
    elif not os.access(folder, os.W_OK):
        raise StoreError(f"{path} can't be made: there is no permission to write to {folder}.")
