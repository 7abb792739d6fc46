"""The database behind a store: opened on first use, one write at a time, safe under threads and fork."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, cast

from sqlalchemy import Connection, Engine, create_engine, exc
from sqlalchemy.pool import NullPool, QueuePool
from steno.contracts import patience
from steno.errors import InvalidValue, StoreReadOnly, StoreUnavailable

from steno_sql import sqlite, versions
from steno_sql.forking import Calls

_SCHEME = "sqlite:///"
_PARAMSTYLE: Literal["named"] = "named"  # as `Prepared` wants it


class Database:
    """One SQLite file and the connections to it.

    Attributes:
        path: The file, absolute. Its folder is made when the file is.
    """

    def __init__(self, uri: str) -> None:
        self.path = _path(uri)
        self._engine: Engine | None = None
        self._read_only = False
        self._file: tuple[int, int] | None = None
        self._calls = Calls()
        self._make_locks()

    def _make_locks(self) -> None:
        self._opening = threading.Lock()
        self._writing = threading.Lock()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Read one unchanging state. Raises: StoreUnavailable, StoreTooNew, StoreError."""
        with self._calls.one(), self._translated(), self._opened().connect() as connection:
            _begin(connection, write=False)
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Write in one transaction; an exception undoes it. Raises: as `reading`, and StoreReadOnly."""
        with (
            self._calls.one(),
            self._turn(self._opened()) as engine,
            self._translated(),
            engine.connect() as connection,
        ):
            _begin(connection, write=True)
            yield connection
            connection.commit()

    @contextmanager
    def _turn(self, engine: Engine) -> Iterator[Engine]:
        """Let threads queue here, where waiting is fair, rather than in SQLite, where it is polling."""
        if self._read_only:
            raise StoreReadOnly(f"{self.path} cannot be written: check the rights of the file and its folder")
        wait_s = patience.limit_s(sqlite.BUSY_S)
        if not self._writing.acquire(timeout=wait_s):
            raise StoreUnavailable(f"{self.path}: another thread's write takes more than {wait_s:g} s")
        try:
            yield engine
        finally:
            self._writing.release()

    def compact(self) -> None:
        """Give the space of removed rows back. Raises: as `writing`."""
        with self._calls.one(), self._turn(self._opened()), self._translated():
            sqlite.compact(self.path)

    def close(self) -> None:
        """Release all connections; the next use opens again."""
        if self._calls.interrupted:  # a copied pool may be locked for ever
            return
        with self._opening:
            engine, self._engine = self._engine, None
        if engine is not None:
            engine.dispose()

    def _opened(self) -> Engine:
        if self._calls.forked:
            self._begin_anew()
        if self._engine is not None and self._outdated():
            self.close()
        engine = self._engine
        if engine is None:
            with self._opening, self._translated():
                engine = self._engine = self._engine or self._open()
        return engine

    def _outdated(self) -> bool:
        """Whether another file is there now (SQLite would go on in the deleted one), or it can be written again."""
        return _identity(self.path) != self._file or (self._read_only and sqlite.writable(self.path))

    def _begin_anew(self) -> None:
        """Let go of what the fork copied, so that SQLite takes locks for this process too."""
        if self._calls.interrupted:
            raise StoreUnavailable(
                f"{self.path} cannot be opened here: this process was forked while its parent used the file. "
                f"What it records stays in its journal until the next process opens the store."
            )
        self._make_locks()
        self._calls.forked = False
        self.close()

    def _open(self) -> Engine:
        self._read_only = self.path.exists() and not sqlite.writable(self.path)
        if self._read_only:
            engine = create_engine(
                "sqlite://", creator=self._connect_to_read, poolclass=NullPool, paramstyle=_PARAMSTYLE
            )
        else:
            self._make_folder()
            engine = create_engine(
                "sqlite://",
                creator=self._connect,
                poolclass=QueuePool,
                max_overflow=-1,
                pool_use_lifo=True,
                paramstyle=_PARAMSTYLE,
            )
        try:
            versions.prepare(engine, self.path, read_only=self._read_only)
        except BaseException:
            engine.dispose()
            raise
        self._file = _identity(self.path)
        return engine

    def _connect(self) -> sqlite3.Connection:
        return sqlite.connect(self.path)

    def _connect_to_read(self) -> sqlite3.Connection:
        return sqlite.connect(self.path, read_only=True)

    def _make_folder(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except PermissionError as error:
            raise StoreReadOnly(f"cannot make the folder of {self.path}: {error.strerror}") from error
        except OSError as error:
            raise StoreUnavailable(f"cannot make the folder of {self.path}: {error.strerror}") from error

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except exc.DBAPIError as error:
            raise sqlite.store_error(error.orig, self.path) from error
        except sqlite3.Error as error:
            raise sqlite.store_error(error, self.path) from error
        except (OverflowError, UnicodeEncodeError) as error:
            raise InvalidValue(f"a value does not fit into the store: {error}") from error


def _begin(connection: Connection, *, write: bool) -> None:
    """Begin a transaction, waiting for other processes as long as the caller can."""
    driver, wait_s = _driver(connection), patience.limit_s(sqlite.BUSY_S)
    if connection.info.get("wait_s", sqlite.BUSY_S) != wait_s:  # a connection goes from thread to thread
        sqlite.wait_at_most(driver, wait_s)
        connection.info["wait_s"] = wait_s
    connection.begin()  # what is executed by the driver itself is committed too
    sqlite.begin(driver, write=write)


def _driver(connection: Connection) -> sqlite3.Connection:
    return cast(sqlite3.Connection, connection.connection.dbapi_connection)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _path(uri: str) -> Path:
    if not uri.startswith(_SCHEME) or len(uri) == len(_SCHEME) or ":memory:" in uri:
        raise InvalidValue(
            f"{uri!r} names no SQLite file: write sqlite:///relative/steno.db or sqlite:////absolute/steno.db"
        )
    return Path(uri[len(_SCHEME) :]).absolute()
