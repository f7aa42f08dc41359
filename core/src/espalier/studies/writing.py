"""Write a file as a whole or not at all."""

from __future__ import annotations

import os
import pathlib
from typing import TYPE_CHECKING

from ..drafts import drafted
from ..errors import StudyError


if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["write_whole"]


def write_whole(path: str | os.PathLike[str], write: Callable[[pathlib.Path], object]) -> None:
    """
    Have a file written beside *path*, and put it there once it is whole.

    Args:
        path: What is there is replaced.

        write: Writes the file whose path it is given, which has the same suffix.

    Raises:
        StudyError: If the folder is missing, or can't be written.
    """
    path = pathlib.Path(os.path.realpath(path))
    try:
        with drafted(path, path.suffix) as draft:
            write(draft)
    except OSError as error:
        raise StudyError(f"{path} can't be written: {error.strerror or error}.") from error
