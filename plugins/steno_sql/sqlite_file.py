"""A SQLite file as the database behind a store: one write at a time, its connections those of one process."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Literal, cast

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import NullPool, QueuePool
from steno.contracts import patience
from steno.errors import InvalidValue, StoreError, StoreReadOnly, StoreUnavailable

from steno_sql import sqlite
from steno_sql.backends import Turn

_SCHEME = "sqlite:///"
_PARAMSTYLE: Literal["named"] = "named"  # as `Prepared` wants it
_NOBODY_WAITS = nullcontext()


class SqliteFile:
    """A `steno_sql.backends.Backend`; see there for what each method promises.

    Args:
        uri: `sqlite:///relative.db` or `sqlite:////absolute.db`.

    Attributes:
        path: The file, absolute. Its folder is made when the file is.

    Raises:
        InvalidValue: The address names no file.
    """

    errors: tuple[type[Exception], ...] = (sqlite3.Error,)

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.path = _path(uri)
        self.where = str(self.path)
        self.artifacts = f"{self.path.parent}/artifacts"
        self.read_only = False
        self._file: tuple[int, int] | None = None
        self._writing = threading.Lock()

    def connect(self) -> Engine:
        self.read_only = self.path.exists() and not sqlite.writable(self.path)
        if self.read_only:
            return create_engine("sqlite://", creator=self._connect_to_read, poolclass=NullPool, paramstyle=_PARAMSTYLE)
        self._make_folder()
        return create_engine(
            "sqlite://",
            creator=self._connect,
            poolclass=QueuePool,
            max_overflow=-1,
            pool_use_lifo=True,
            paramstyle=_PARAMSTYLE,
        )

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

    def prepare(self, connection: Connection) -> None:
        if not self.read_only:
            sqlite.switch_to_wal(_driver(connection))

    def opened(self) -> None:
        self._file = _identity(self.path)

    def outdated(self) -> bool:
        """Whether another file is there now (SQLite would go on in the deleted one), or it can be written again."""
        return _identity(self.path) != self._file or (self.read_only and sqlite.writable(self.path))

    def turn(self, *, write: bool) -> AbstractContextManager[object]:
        """Let threads that write queue here, where waiting is fair, rather than in SQLite, where it is polling."""
        return self._alone() if write else _NOBODY_WAITS

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if self.read_only:
            raise StoreReadOnly(f"{self.path} cannot be written: check the rights of the file and its folder")
        wait_s = patience.limit_s(sqlite.BUSY_S)
        if not self._writing.acquire(timeout=wait_s):
            raise StoreUnavailable(f"{self.path}: another thread's write takes more than {wait_s:g} s")
        try:
            yield
        finally:
            self._writing.release()

    def begin(self, connection: Connection, turn: Turn | None) -> None:
        driver, wait_s = _driver(connection), patience.limit_s(sqlite.BUSY_S)
        if connection.info.get("wait_s", sqlite.BUSY_S) != wait_s:  # a connection goes from thread to thread
            sqlite.wait_at_most(driver, wait_s)
            connection.info["wait_s"] = wait_s
        connection.begin()  # what is executed by the driver itself is committed too
        sqlite.begin(driver, write=turn is not None)

    def begin_change(self, connection: Connection, *, rebuild: bool) -> None:
        driver = _driver(connection)
        if rebuild:  # must not take the rows that point to a table along; no effect inside a transaction
            driver.execute("PRAGMA foreign_keys=OFF")
        sqlite.begin(driver, write=True)

    def keep_copy(self, version: str) -> str:
        sqlite.backup(self.path, self.path.with_name(f"{self.path.name}.v{int(version)}.bak"))
        return "a copy of the old one is beside it"

    def compact(self, engine: Engine) -> None:
        sqlite.compact(self.path)

    def error(self, error: BaseException | None) -> StoreError:
        return sqlite.store_error(error, self.path)

    def abandon(self, engine: Engine | None, *, interrupted: bool) -> None:
        """Close the connections that the fork copied, so that SQLite takes locks for this process too."""
        if interrupted:
            raise StoreUnavailable(
                f"{self.path} cannot be opened here: this process was forked while its parent used the file. "
                f"What it records stays in its journal until the next process opens the store."
            )
        self._writing = threading.Lock()
        if engine is not None:
            engine.dispose()


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
