"""Reach a database of Optuna's, and say what is wrong where it can't be."""

from __future__ import annotations

import contextlib
import pathlib
import random
import sqlite3
import time
from typing import TYPE_CHECKING, Any, TypeVar, final

import optuna
from optuna.storages import RDBStorage
from sqlalchemy import Connection, Engine, create_engine, event, inspect
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, OperationalError, SQLAlchemyError

from espalier.errors import StoreError

from .files import check_file
from .quiet import quiet


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Database"]

T = TypeVar("T")

#: How long to wait for others that write to the same SQLite file, in seconds.
PATIENCE_S = 60.0

#: How often a step is tried that met another process.
_TRIES = 10

#: Tables that only Optuna has.
_MARK = "version_info"

#: The table that tells the version of the others, and the versions that were found to be right.
_VERSION = "alembic_version"
_HEADS: set[str] = set()


@final
class Database:
    """
    One database, in which every step is one transaction.

    Args:
        url: What SQLAlchemy makes an engine of.

    Raises:
        StoreError: If it can't be reached, is locked or damaged, or is something else.
    """

    def __init__(self, url: str) -> None:
        self.url = _url(url)
        self.is_file = _is_file(self.url)
        self.place = _place(self.url)
        self.patience_s = float(str(self.url.query.get("timeout", PATIENCE_S)))
        if self.is_file:
            self._check_file()
        with self._told():
            self.engine = _engine(self.url, self.patience_s)
        try:
            self._prepare()
        except BaseException:
            self.engine.dispose()
            raise

    def close(self) -> None:
        """Let go of the connections."""
        self.engine.dispose()

    def read(self, work: Callable[[Connection], T]) -> T:
        """Return what *work* reads, all of it as of one moment."""
        with self._told(), self.engine.connect() as c:
            if self.is_file:
                c.exec_driver_sql("BEGIN")
            return work(c)

    def version(self) -> int | None:
        """Return what changes when another connection wrote; ``None`` if that can't be told."""
        if not self.is_file:
            return None
        with self._told(), self.engine.connect() as c:
            return int(c.exec_driver_sql("PRAGMA data_version").scalar_one())

    def write(self, work: Callable[[Connection], T]) -> T:
        """
        Do *work*, and keep all of it or nothing.

        It is done again where another process was in its way.
        """
        with self._told():
            for attempt in range(_TRIES):
                try:
                    return self._once(work)
                except (OperationalError, IntegrityError):
                    # SQLite waited already; servers end one of two that wait for each other.
                    if self.is_file or attempt == _TRIES - 1:
                        raise
                    time.sleep(random.random() * min(0.05 * 2**attempt, 1.0))
        raise AssertionError

    def _once(self, work: Callable[[Connection], T]) -> T:
        with self.engine.connect() as c:
            if self.is_file:
                c.exec_driver_sql("BEGIN IMMEDIATE")
            found = work(c)
            c.commit()
            return found

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            if isinstance(error, StoreError):
                raise
            raise StoreError(f"{self.place} {self._reason(error)}") from error

    def _reason(self, error: BaseException) -> str:
        text = str(getattr(error, "orig", None) or error)
        if self.is_file and "not a database" in text:
            # Not looked at before: closing a file lets go of the locks that SQLite has on it.
            begin = pathlib.Path(self.place).read_bytes()[:16]
            return (
                f"is damaged, or no SQLite file: it begins with {begin!r}. Nothing was changed; "
                f"give another path, or restore a copy."
            )
        return _reason(text, self.patience_s)

    def _check_file(self) -> None:
        name = self.url.database
        if not name or name == ":memory:" or "mode=memory" in name:
            raise StoreError(
                "an SQLite database in memory ends with the process: leave storage out for that."
            )
        if name.startswith("file:"):
            return
        check_file(pathlib.Path(name))

    def _prepare(self) -> None:
        """Make Optuna's tables, or check that they are there in the version that is installed."""
        with self._told():
            tables = set(inspect(self.engine).get_table_names())
        if tables and _MARK not in tables and not _are_optunas(tables):
            raise StoreError(
                f"{self.place} holds something else: the tables {', '.join(sorted(tables)[:6])}. "
                f"Nothing was changed; give another path."
            )
        if _VERSION in tables and self._version() in _HEADS:
            return
        for attempt in range(_TRIES):
            if self._made(last=attempt == _TRIES - 1):
                return
            time.sleep(random.random() * min(0.05 * 2**attempt, 1.0))

    def _made(self, *, last: bool) -> bool:
        """Have Optuna make its tables; ``False`` if another process is at it."""
        try:
            storage = _optunas(self.url, self.patience_s)
        except RuntimeError as error:
            raise StoreError(f"{self.place} is of another Optuna: {error}") from error
        except (SQLAlchemyError, optuna.exceptions.OptunaError, AssertionError) as error:
            cause = error.__cause__ or error
            busy = any(
                word in str(cause) for word in ("already exists", "UNIQUE", "no such table")
            )
            met = isinstance(error, (IntegrityError, AssertionError))
            if not last and (busy or met or isinstance(cause, IntegrityError)):
                return False
            raise StoreError(f"{self.place} {self._reason(cause)}") from error
        _HEADS.add(storage.get_head_version())
        storage.engine.dispose()
        return True

    def _version(self) -> str | None:
        with self._told(), self.engine.connect() as c:
            found = c.exec_driver_sql(f"SELECT version_num FROM {_VERSION}").scalar()  # noqa: S608
        return None if found is None else str(found)


def _are_optunas(tables: set[str]) -> bool:
    """Whether another process is making the tables right now."""
    return {"studies", "trials"} & tables == {"studies", "trials"} or tables <= set(_names())


def _names() -> list[str]:
    from optuna.storages._rdb import models

    return list(models.BaseModel.metadata.tables)


def _url(given: str) -> URL:
    if "://" not in given:
        return URL.create("sqlite", database=given)
    try:
        return make_url(given)
    except ArgumentError as error:
        raise StoreError(f"{given!r} is no URL of a database: {error}.") from error


def _is_file(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _place(url: URL) -> str:
    if _is_file(url):
        return str(url.database)
    return url.render_as_string(hide_password=True)


def _options(url: URL, patience_s: float) -> dict[str, Any]:
    if _is_file(url):
        # One connection, so that what others wrote can be told from what we did.
        return {
            "pool_size": 1,
            "max_overflow": 0,
            "connect_args": {"timeout": patience_s, "check_same_thread": False},
        }
    return {"pool_pre_ping": True}


def _engine(url: URL, patience_s: float) -> Engine:
    try:
        engine = create_engine(url, **_options(url, patience_s))
    except ImportError as error:
        raise StoreError(
            f"{_place(url)}: the driver {error.name!r} is not installed; pip install it."
        ) from error
    if _is_file(url):
        event.listen(engine, "connect", _connected)
    return engine


def _connected(connection: sqlite3.Connection, _: object) -> None:
    # Transactions begin where we say so.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL"):
        # A file that may only be read, or is in use this moment, stays as it is.
        with contextlib.suppress(sqlite3.DatabaseError):
            connection.execute(f"PRAGMA {pragma}").fetchall()


def _optunas(url: URL, patience_s: float) -> RDBStorage:
    text = url.render_as_string(hide_password=False)
    with quiet():
        # It holds several connections at a time.
        options = {"connect_args": {"timeout": patience_s}} if _is_file(url) else {}
        return RDBStorage(text, engine_kwargs=options)


def _reason(text: str, patience_s: float) -> str:
    if "locked" in text:
        return (
            f"is locked by another process, and stayed so for {patience_s:g} s. What is in it is "
            f"untouched; try again once that process has ended."
        )
    if "malformed" in text or "not a database" in text:
        return f"is damaged ({text}). Restore a copy, or give another path."
    if "readonly" in text or "read-only" in text:
        return f"can only be read ({text}). Give yourself the right to write, or another path."
    if "disk is full" in text:
        return f"can't grow: the disk is full ({text})."
    return f"can't be used: {text}"
