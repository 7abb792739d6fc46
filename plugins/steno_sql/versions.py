"""Which version of the tables a database has: a new one is made, an old one moved forward, a later one refused."""

from __future__ import annotations

import logging
import re
import sqlite3
from pathlib import Path
from time import time_ns
from typing import cast

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, insert, select
from steno.errors import StoreError, StoreReadOnly, StoreTooNew
from steno.records import DEFAULT_EXPERIMENT_ID, DEFAULT_EXPERIMENT_NAME, LifecycleStage

from steno_sql import schema, sqlite
from steno_sql.models import tables as _models  # noqa: F401  # their tables are made with the others
from steno_sql.registry import tables as _registry  # noqa: F401

_log = logging.getLogger("steno.store")

_stamps = MetaData()
_stamp = Table("alembic_version", _stamps, Column("version_num", String(32), primary_key=True))


def prepare(engine: Engine, path: Path, *, read_only: bool) -> None:
    """Leave the database at `schema.VERSION`.

    Raises:
        StoreTooNew: A later steno wrote it.
        StoreReadOnly: It would have to be changed and cannot be.
        StoreError: It is somebody else's database.
    """
    with engine.connect() as connection:
        if not read_only:
            sqlite.switch_to_wal(_driver(connection))
        version = _version(connection, path)
    if version == schema.VERSION:
        return
    if read_only:
        raise StoreReadOnly(
            f"{path} has tables of version {version}; it must be writable once to move to {schema.VERSION}"
        )
    if version is None:
        _create(engine, path)
    else:
        _migrate(engine, path)


def _version(connection: Connection, path: Path) -> str | None:
    """Return the version of the tables, None for an empty database."""
    names = connection.dialect.get_table_names(connection)
    if not names:
        return None
    version = connection.scalar(select(_stamp.c.version_num)) if _stamp.name in names else None
    if version is None or not re.fullmatch(r"\d{4}", version):
        raise StoreError(f"{path} is not a steno store: it holds other tables ({', '.join(names[:3])}, ...)")
    if version > schema.VERSION:
        raise StoreTooNew(
            f"{path} has tables of version {version} and this steno knows up to {schema.VERSION}: "
            f"upgrade with `pip install --upgrade steno`"
        )
    return cast(str, version)


def _create(engine: Engine, path: Path) -> None:
    with engine.connect() as connection:
        sqlite.begin(_driver(connection), write=True)
        if _version(connection, path) is not None:  # another process was first
            return
        schema.metadata.create_all(connection, checkfirst=False)
        _stamps.create_all(connection, checkfirst=False)
        connection.execute(insert(_stamp).values(version_num=schema.VERSION))
        connection.execute(insert(schema.experiments).values(_default_experiment(path)))
        connection.commit()


def _default_experiment(path: Path) -> dict[str, object]:
    now = time_ns() // 1_000_000
    return {
        "experiment_id": int(DEFAULT_EXPERIMENT_ID),
        "name": DEFAULT_EXPERIMENT_NAME,
        "artifact_location": f"{path.parent}/artifacts/{DEFAULT_EXPERIMENT_ID}",
        "lifecycle_stage": LifecycleStage.ACTIVE,
        "creation_time": now,
        "last_update_time": now,
    }


def _migrate(engine: Engine, path: Path) -> None:
    """Move an old database forward in one transaction, a copy of it kept beside it."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    with engine.connect() as connection:
        driver = _driver(connection)
        # A table that is rebuilt must not take the rows that point to it along; no effect inside a transaction.
        driver.execute("PRAGMA foreign_keys=OFF")
        sqlite.begin(driver, write=True)
        version = _version(connection, path)
        if version != schema.VERSION:
            sqlite.backup(path, path.with_name(f"{path.name}.v{int(version or 0)}.bak"))
            config.attributes["connection"] = connection
            command.upgrade(config, schema.VERSION)
            connection.commit()
            _log.info(
                "moved %s from version %s to %s; a copy of the old one is beside it", path, version, schema.VERSION
            )
        connection.invalidate()


def _driver(connection: Connection) -> sqlite3.Connection:
    return cast(sqlite3.Connection, connection.connection.dbapi_connection)
