"""The database behind a store: opened on first use, safe under threads and fork, its errors those of a store."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, exc
from steno.errors import InvalidValue

from steno_sql import versions
from steno_sql.backends import Backend, Turn
from steno_sql.forking import Calls
from steno_sql.sqlite_file import SqliteFile


class Database:
    """A file of SQLite or a database of PostgreSQL, and the connections to it.

    Args:
        uri: Its address.
        area: Whose tables are meant, "runs" or "registry".

    Attributes:
        backend: What is its own, of all that databases are to a store.
    """

    def __init__(self, uri: str, area: str = "runs") -> None:
        self.backend = _backend(uri, area)
        self._engine: Engine | None = None
        self._calls = Calls()
        self._opening = threading.Lock()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Read one unchanging state. Raises: StoreUnavailable, StoreTooNew, StoreError."""
        with self._calls.one(), self._translated():
            engine = self._opened()
            with self.backend.turn(write=False), engine.connect() as connection:
                self.backend.begin(connection, None)
                yield connection

    @contextmanager
    def writing(self, turn: Turn = Turn.ALONE) -> Iterator[Connection]:
        """Write in one transaction; an exception undoes it. Raises: as `reading`, and StoreReadOnly."""
        with self._calls.one(), self._translated():
            engine = self._opened()
            with self.backend.turn(write=True), engine.connect() as connection:
                self.backend.begin(connection, turn)
                yield connection
                connection.commit()

    def compact(self) -> None:
        """Give the space of removed rows back. Raises: as `writing`."""
        with self._calls.one(), self._translated():
            engine = self._opened()
            with self.backend.turn(write=True):
                self.backend.compact(engine)

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
        if self._engine is not None and self.backend.outdated():
            self.close()
        engine = self._engine
        if engine is None:
            with self._opening:
                engine = self._engine = self._engine or self._open()
        return engine

    def _begin_anew(self) -> None:
        """Let go of what the fork copied."""
        self.backend.abandon(self._engine, interrupted=self._calls.interrupted)
        self._opening = threading.Lock()
        self._engine = None
        self._calls.forked = self._calls.interrupted = False

    def _open(self) -> Engine:
        engine = self.backend.connect()
        try:
            versions.prepare(engine, self.backend)
        except BaseException:
            engine.dispose()
            raise
        self.backend.opened()
        return engine

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except exc.DBAPIError as error:
            raise self.backend.error(error.orig) from error
        except self.backend.errors as error:
            raise self.backend.error(error) from error
        except (OverflowError, UnicodeEncodeError) as error:
            raise InvalidValue(f"a value does not fit into the store: {error}") from error


def _backend(uri: str, area: str) -> Backend:
    """Return the database that an address means.

    Args:
        uri: The address.
        area: Whose tables are meant, "runs" or "registry": writes to the one do not concern the other.

    Raises:
        InvalidValue: It means none.
        MissingDependency: The driver is not installed.
    """
    if uri.partition(":")[0].partition("+")[0] in ("postgresql", "postgres"):
        from steno_sql.postgresql import PostgresqlServer

        return PostgresqlServer(uri, area)
    return SqliteFile(uri)
