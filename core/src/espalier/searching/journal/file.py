"""A file of records, one a line, that outlives the process that writes it."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import secrets
import weakref
from typing import TYPE_CHECKING, Any, Self, final

import structlog

from ...errors import StateError
from ...reading import Entry


if TYPE_CHECKING:
    import pathlib
    from collections.abc import Mapping

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

log = structlog.get_logger()

#: The key that the first record begins with, and the version of the format.
KEY, VERSION = "espalier_progress", 1
_MAGIC = f'{{"{KEY}":'.encode()


@final
class RecordFile:
    """
    Records that are on the disk when `append` returns; the first is the header.

    A line that was not written to its end is dropped when the file is opened again. While it is
    open nobody else can open it; the system lets go of it with the process, however that ends.

    Args:
        path: For messages.

        descriptor: Of the open file.

        end: Where the last whole record ends.
    """

    def __init__(self, path: pathlib.Path, descriptor: int, end: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._end = end
        _let_go_in_children()
        _open_files.add(self)

    @classmethod
    def open(cls, path: pathlib.Path) -> tuple[Self, list[Entry]]:
        """
        Open or create the file at *path*, for this process alone.

        Returns:
            The file, and its records; none if it is new.

        Raises:
            StateError: If it is something else, which is left as it is, if another process has
                it, or if it can't be written.
        """
        require_place(path)
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        try:
            descriptor = os.open(path, flags, 0o666)
        except OSError as error:
            raise StateError(f"{path}: can't be written: {error.strerror}.") from error
        try:
            _lock(descriptor, path)
            data = _read(descriptor)
            end = data.rfind(b"\n") + 1
            records = [
                Entry.parse(f"{path}: line {number}", line)
                for number, line in enumerate(_lines(data, path)[:-1], 1)
            ]
            if end < len(data):
                log.info("torn_record_dropped", path=str(path), bytes=len(data) - end)
                os.ftruncate(descriptor, end)
        except BaseException:
            os.close(descriptor)
            raise
        return cls(path, descriptor, end), records

    def append(self, record: Mapping[str, Any]) -> None:
        """
        Write *record* and wait until it is on the disk.

        Raises:
            StateError: If it can't be written. The records before it are whole.
        """
        data = json.dumps(record, separators=(",", ":"), allow_nan=False).encode() + b"\n"
        try:
            self._write(data)
        except BaseException as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self._end)
            if isinstance(error, OSError):
                raise StateError(
                    f"{self.path}: progress can't be written: {error.strerror}. What was written "
                    f"before is whole: make room, and start again with the same arguments."
                ) from error
            raise
        self._end += len(data)

    def _write(self, data: bytes) -> None:
        os.lseek(self._descriptor, self._end, os.SEEK_SET)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Let others open the file."""
        if self._descriptor >= 0 and fcntl is not None:
            with contextlib.suppress(OSError):
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        self.let_go()

    def let_go(self) -> None:
        """Close the file in this process alone; who it was forked from keeps the lock."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def require_place(path: pathlib.Path) -> None:
    """
    Raise now, and not after long work, if no progress can be kept at *path*.

    Raises:
        StateError: If its folder is not there or can't be written, or something else is there.
    """
    folder = path.parent
    if not folder.is_dir():
        raise StateError(f"{path}: must be a file in a folder that exists; there is no {folder}.")
    if path.exists() and not path.is_file():
        raise StateError(f"{path}: must be an ordinary file; it is a folder or a device.")
    try:
        if path.exists():
            with path.open("r+b") as file:
                begin = file.read(len(_MAGIC))
        else:
            begin = b""
            draft = path.with_name(f".espalier-{secrets.token_hex(8)}.draft")
            draft.open("xb").close()
            draft.unlink()
    except OSError as error:
        raise StateError(f"{path}: can't be written: {error.strerror}.") from error
    if begin not in {_MAGIC, b""}:
        raise _foreign(path)


def _foreign(path: pathlib.Path) -> StateError:
    return StateError(
        f"{path}: is no progress file of Espalier, and is left as it is. Give another path."
    )


def _lines(data: bytes, path: pathlib.Path) -> list[bytes]:
    if data and not data.startswith(_MAGIC):
        raise _foreign(path)
    return data.split(b"\n")


def _read(descriptor: int) -> bytes:
    pieces = []
    os.lseek(descriptor, 0, os.SEEK_SET)
    while piece := os.read(descriptor, 1 << 20):
        pieces.append(piece)
    return b"".join(pieces)


def _lock(descriptor: int, path: pathlib.Path) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StateError(
            f"{path}: is in use by another search. Wait for it to end, or give another path."
        ) from None
    except OSError as error:  # some network file systems have no locks
        log.warning("progress_not_locked", path=str(path), reason=error.strerror)


# A forked worker of a DataLoader has what its parent has open. It may live a little longer than a
# parent that is killed, and would keep the file locked.
_open_files: weakref.WeakSet[RecordFile] = weakref.WeakSet()


@functools.cache
def _let_go_in_children() -> None:
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_close_all)


def _close_all() -> None:
    for file in list(_open_files):
        file.let_go()
