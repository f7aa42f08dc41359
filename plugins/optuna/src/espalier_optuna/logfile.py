"""The file of a journal: one line for each operation, and one writer at a time."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import time
from typing import TYPE_CHECKING, Any, final

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock

from espalier.errors import EspalierError, StoreError

from .files import check_file
from .quiet import quiet


try:
    import fcntl
except ImportError:  # Windows; there, Optuna's own lock is all there is
    fcntl = None  # type: ignore[assignment]


if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LogFile"]

#: How long to wait for another process, in seconds.
PATIENCE_S = 60.0

#: After how many seconds Optuna's lock is taken from a process that was killed with it.
_ABANDONED_S = 10


@final
class LogFile:
    """
    A journal of Optuna's in a file.

    Args:
        url: Its path, or ``journal:///`` and the path.

    Raises:
        StoreError: If it can't be read, or is no journal.
    """

    def __init__(self, url: str) -> None:
        self.path = pathlib.Path(url.removeprefix("journal:///"))
        self.place = str(self.path)
        if "://" in self.place:
            raise StoreError(f"{url!r} must be a path, or journal:/// and a path.")
        check_file(self.path)
        with self.told():
            self._check_first()
            if self.size:
                with self.alone():
                    self._cut_torn_line()
            self.storage = self._opened()

    @property
    def size(self) -> int:
        """How many bytes it has; it only grows."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    @contextlib.contextmanager
    def told(self) -> Iterator[None]:
        """Raise a `StoreError` that names the file in place of what went wrong with it."""
        try:
            yield
        except EspalierError:
            raise
        except ValueError as error:
            raise StoreError(self._damaged(f"a line is no operation ({error})")) from error
        except OSError as error:
            raise StoreError(f"{self.place} can't be used: {error.strerror or error}.") from error

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """
        Keep out other processes of Espalier; the lock of one that is killed is free at once.

        Raises:
            StoreError: If another one does not let go of it.
        """
        with self.told(), self.path.open("ab") as file:
            self._lock(file.fileno())
            yield

    def _lock(self, number: int) -> None:
        if fcntl is None:
            return
        ends = time.monotonic() + PATIENCE_S
        pause = 0.001
        while True:
            try:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > ends:
                    raise StoreError(
                        f"{self.place} is locked by another process, and stayed so for "
                        f"{PATIENCE_S:g} s. What is in it is untouched; try again once that "
                        f"process has ended."
                    ) from None
                time.sleep(pause)
                pause = min(2 * pause, 0.05)
            else:
                return

    def _opened(self) -> JournalStorage:
        lock = JournalFileSymlinkLock(self.place, grace_period=_ABANDONED_S)
        try:
            with quiet():
                return JournalStorage(JournalFileBackend(self.place, lock))
        except (ValueError, KeyError, TypeError, AssertionError) as error:
            raise StoreError(self._damaged(f"{type(error).__name__}: {error}")) from error

    def _check_first(self) -> None:
        """Check that the file begins as a journal does, so that no other file is written to."""
        try:
            with self.path.open("rb") as file:
                line = file.readline(1 << 20)
        except FileNotFoundError:
            return
        if line and not _is_operation(line):
            raise StoreError(
                f"{self.place} is damaged, or no journal: it begins with {line[:40]!r}. Nothing "
                f"was changed; give another path, or restore a copy."
            )

    def _cut_torn_line(self) -> None:
        """Take away a last line that its process could not end, so that others can go on."""
        with self.path.open("rb+") as file:
            whole = file.read()
            end = whole.rfind(b"\n") + 1
            if end < len(whole):
                file.truncate(end)
                file.flush()
                os.fsync(file.fileno())
            last = whole[:end].rstrip(b"\n").rpartition(b"\n")[2]
        if last and not _is_operation(last):
            raise StoreError(self._damaged(f"its last line begins with {last[:40]!r}"))

    def _damaged(self, why: str) -> str:
        return f"{self.place} is damaged: {why}. Restore a copy, or give another path."


def _is_operation(line: bytes) -> bool:
    try:
        found: Any = json.loads(line)
    except ValueError:
        return False
    return isinstance(found, dict) and "op_code" in found
