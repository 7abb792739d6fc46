"""A file of SQLite: how it is opened, locked, copied and compacted, and what its errors mean."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import quote

from steno.errors import StoreError, StoreReadOnly, StoreUnavailable

BUSY_S = 30.0
"""How long a write waits for the writes of other processes."""

_CACHE_KIB = 4096
_WAL_KEPT_BYTES = 16 * 1024 * 1024
_READ_ONLY = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM})
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_LATER = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOMEM,
    }
)


def writable(path: Path) -> bool:
    """Return whether the file, its -wal and its -shm can be written (or made)."""
    return os.access(path.parent, os.W_OK) and (not path.exists() or os.access(path, os.W_OK))


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open a connection; begin and commit are ours to say."""
    connection = sqlite3.connect(
        _address(path, read_only), uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False
    )
    try:
        for pragma in (
            "foreign_keys=ON",
            "wal_autocheckpoint=4000",
            "synchronous=NORMAL",
            f"cache_size=-{_CACHE_KIB}",
            f"journal_size_limit={_WAL_KEPT_BYTES}",
            "case_sensitive_like=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")
        # SQLite's own lower() knows ASCII only; ILIKE is compiled to it.
        connection.create_function("lower", 1, _lower, deterministic=True)
    except BaseException:
        connection.close()
        raise
    return connection


def _lower(value: str | None) -> str | None:
    return None if value is None else str(value).lower()


def _address(path: Path, read_only: bool) -> str:
    address = f"file:{quote(str(path))}?mode="
    if not read_only:
        return address + "rwc"
    wal = path.with_name(path.name + "-wal")
    # Without a log there is nothing to share; a folder that cannot be written has no room for -shm.
    return address + ("ro" if wal.exists() and wal.stat().st_size else "ro&immutable=1")


def switch_to_wal(connection: sqlite3.Connection) -> None:
    """Make readers and writers stop blocking each other. Raises: sqlite3.OperationalError when it stays busy."""
    if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
        return
    # A new file holds nothing that a power cut could take, so its header need not be forced to disk.
    connection.execute("PRAGMA synchronous=OFF")
    deadline = monotonic() + BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError as error:
            # SQLite does not call its busy handler here.
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() > deadline:
                raise
            sleep(0.005)
    connection.execute("PRAGMA synchronous=NORMAL")


def wait_at_most(connection: sqlite3.Connection, seconds: float) -> None:
    """Say how long a connection waits for other processes, until it is said again."""
    connection.execute(f"PRAGMA busy_timeout={round(seconds * 1000)}")


def begin(connection: sqlite3.Connection, *, write: bool) -> None:
    """Begin a transaction; a write takes its lock now, where waiting for it is possible."""
    connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")


def backup(path: Path, target: Path) -> None:
    """Copy a database that may be in use, whole, to `target`."""
    unfinished = target.with_name(f"{target.name}.{os.getpid()}")
    with closing(connect(path)) as source, closing(sqlite3.connect(unfinished)) as copy:
        source.backup(copy)
    unfinished.replace(target)


def compact(path: Path) -> None:
    """Rewrite the file without its holes and give the space back."""
    with closing(connect(path)) as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def store_error(error: BaseException | None, path: Path) -> StoreError:
    """Return what a driver's error means to a caller of the store."""
    extended = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    code = extended & 0xFF
    if code in _DAMAGED:
        return StoreError(
            f"{path} is damaged or no SQLite database ({error}): "
            f"`steno --tracking-uri sqlite:///{path} fsck` says what is wrong"
        )
    if extended == sqlite3.SQLITE_READONLY_DBMOVED:
        return StoreUnavailable(f"{path} was moved or deleted while in use")
    if code in _READ_ONLY:
        return StoreReadOnly(f"{path} cannot be written ({error}): check the rights of the file and its folder")
    if code in _LATER:
        return StoreUnavailable(
            f"{path} cannot be used now ({error}): check that disk and folder are there and not full"
        )
    return StoreError(f"{path}: {error}")
