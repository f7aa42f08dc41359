"""Write a file beside its place first, so that it is there whole or not at all."""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

__all__ = ["drafted"]


@contextlib.contextmanager
def drafted(path: pathlib.Path, suffix: str = ".draft") -> Iterator[pathlib.Path]:
    """
    Give a file to write, and put it in the place of *path* at the end of the block.

    Where the block raises, what was at *path* stays, and nothing is left behind.

    Args:
        path: What is there is replaced.

        suffix: Of the file that is written, for those who go by it.
    """
    draft = path.with_name(f".espalier-{secrets.token_hex(8)}{suffix}")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
