"""A database of a PostgreSQL server behind a store: many writers, a bounded pool, locks where SQLite has one writer."""

from __future__ import annotations

import hashlib
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, exc
from sqlalchemy.pool import QueuePool
from steno.contracts import patience
from steno.errors import MissingDependency, StenoError, StoreError, StoreUnavailable

from steno_sql.backends import Turn

try:
    import psycopg
except ImportError as error:
    raise MissingDependency("a store in PostgreSQL", "steno[postgresql]") from error

from steno_sql.postgresql_address import Address
from steno_sql.postgresql_errors import store_error

WAIT_S = 30.0
"""How long a call waits for the writes of others, for a connection of the pool, and for an answer of the network."""

_CONNECT_S = 10.0
_MOST_CONNECTIONS = 10  # of one store in one process; a server has 100 by default
_KEEPALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
_READ, _WRITE = psycopg.IsolationLevel.REPEATABLE_READ, psycopg.IsolationLevel.READ_COMMITTED
_TABLES = (
    "chunks", "series", "params", "tags", "runs", "offsets", "inputs", "outputs", "model_inputs", "datasets",
    "experiments", "experiment_tags", "logged_models", "logged_model_params", "logged_model_tags",
    "logged_model_metrics",
)  # fmt: skip
_left_behind: list[Engine] = []


class PostgresqlServer:
    """A `steno_sql.backends.Backend`; see there for what each method promises.

    Args:
        uri: `postgresql://user:password@host:5432/database`.
        area: Whose tables are meant.

    Raises:
        InvalidValue: The address names no database.
    """

    errors: tuple[type[Exception], ...] = (psycopg.Error,)
    read_only = False

    def __init__(self, uri: str, area: str) -> None:
        self._address = Address.of(uri)
        self.uri = self.where = self._address.shown
        self.artifacts = self._address.artifacts
        self._lock, self._tables_lock = _key(area), _key("tables")
        self._seats = threading.BoundedSemaphore(_MOST_CONNECTIONS)

    def connect(self) -> Engine:
        engine = create_engine(
            "postgresql+psycopg://",
            creator=self._connect,
            poolclass=QueuePool,
            pool_size=_MOST_CONNECTIONS,
            max_overflow=0,
            pool_use_lifo=True,
        )
        event.listen(engine, "checkout", _check_alive)
        return engine

    def _connect(self) -> psycopg.Connection[Any]:
        given = self._address.parameters
        wait_ms = round(WAIT_S * 1000)
        options = f"{given.get('options', '')} -c lock_timeout={wait_ms}".strip()
        bounded = {"connect_timeout": max(2, round(patience.limit_s(_CONNECT_S))), "tcp_user_timeout": wait_ms}
        return _Connection.connect(
            **{"application_name": "steno", **_KEEPALIVE, **bounded, **given, "options": options}
        )

    def prepare(self, connection: Connection) -> None:
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
        if encoding != "UTF8":
            raise StoreError(
                f"{self.where} keeps text as {encoding}, which not every text fits into: "
                f"make a database with CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0"
            )

    def opened(self) -> None:
        pass

    def outdated(self) -> bool:
        return False

    @contextmanager
    def turn(self, *, write: bool) -> Iterator[None]:
        """Let threads queue for a connection as long as each can wait."""
        wait_s = patience.limit_s(WAIT_S)
        if not self._seats.acquire(timeout=wait_s):
            raise StoreUnavailable(
                f"{self.where}: all {_MOST_CONNECTIONS} connections are in use for over {wait_s:g} s"
            )
        try:
            yield
        finally:
            self._seats.release()

    def begin(self, connection: Connection, turn: Turn | None) -> None:
        driver, wait_s = _driver(connection), patience.limit_s(WAIT_S)
        driver.isolation_level = _READ if turn is None else _WRITE
        driver.read_only = turn is None
        connection.begin()  # what is executed by the driver itself is committed too
        if wait_s < WAIT_S:
            wait_ms = max(1, round(wait_s * 1000))
            driver.execute(f"SET LOCAL lock_timeout = {wait_ms}; SET LOCAL statement_timeout = {wait_ms}")
        if turn is Turn.ALONE:
            driver.execute("SELECT pg_advisory_xact_lock(%s)", (self._lock,))
        elif turn is Turn.BESIDE:
            driver.execute("SELECT pg_advisory_xact_lock_shared(%s)", (self._lock,))

    def begin_change(self, connection: Connection, *, rebuild: bool) -> None:
        connection.begin()
        _driver(connection).execute("SELECT pg_advisory_xact_lock(%s)", (self._tables_lock,))

    def keep_copy(self, version: str) -> str:
        return "pg_dump makes copies"

    def compact(self, engine: Engine) -> None:
        """Let the space of removed rows be used again, and give back what lies at the end of tables."""
        with engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.exec_driver_sql(f"VACUUM (ANALYZE) {', '.join(_TABLES)}")

    def error(self, error: BaseException | None) -> StenoError:
        return store_error(error, self.where)

    def abandon(self, engine: Engine | None, *, interrupted: bool) -> None:
        """Leave the copied connections to the parent: whatever is said on them, even goodbye, it would say."""
        self._seats = threading.BoundedSemaphore(_MOST_CONNECTIONS)
        if engine is not None:
            _left_behind.append(engine)


class _Connection(psycopg.Connection[Any]):
    """A connection that ends quietly when its server has gone: what was going on there has been undone."""

    def rollback(self) -> None:
        if not self.closed:
            super().rollback()


def _check_alive(driver: Any, _record: object, _proxy: object) -> None:
    """Refuse a connection that has ended, without asking the server: an idle one has nothing to say but that."""
    if driver.closed or select.select([driver], [], [], 0)[0]:
        raise exc.InvalidatePoolError


def _driver(connection: Connection) -> Any:
    return connection.connection.dbapi_connection


def _key(what: str) -> int:
    """Return the key of an advisory lock; they are the same in every process, and unlikely to be anybody else's."""
    return int.from_bytes(hashlib.blake2b(f"steno {what}".encode(), digest_size=8).digest(), "big", signed=True)
