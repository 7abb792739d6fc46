"""Which version of the tables a database has: a new one is made, an old one moved forward, a later one refused."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from time import time_ns
from typing import cast

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, insert, select
from steno.errors import StoreError, StoreReadOnly, StoreTooNew
from steno.records import DEFAULT_EXPERIMENT_ID, DEFAULT_EXPERIMENT_NAME, LifecycleStage

from steno_sql import schema
from steno_sql.backends import Backend
from steno_sql.models import tables as _models  # noqa: F401  # their tables are made with the others
from steno_sql.registry import tables as _registry  # noqa: F401

MIGRATIONS = Path(__file__).parent / "migrations"
"""One script for each version, for both databases. PostgreSQL's tables begin with version 0005."""

_log = logging.getLogger("steno.store")

_stamps = MetaData()
_stamp = Table("alembic_version", _stamps, Column("version_num", String(32), primary_key=True))


def prepare(engine: Engine, backend: Backend) -> None:
    """Leave the database at `schema.VERSION`.

    Raises:
        StoreTooNew: A later steno wrote it.
        StoreReadOnly: It would have to be changed and cannot be.
        StoreError: It is somebody else's database.
    """
    with engine.connect() as connection:
        backend.prepare(connection)
        version = _version(connection, backend)
    if version == schema.VERSION:
        return
    if backend.read_only:
        raise StoreReadOnly(
            f"{backend.where} has tables of version {version}; it must be writable once to move to {schema.VERSION}"
        )
    if version is None:
        _create(engine, backend)
    else:
        _migrate(engine, backend)


def _version(connection: Connection, backend: Backend) -> str | None:
    """Return the version of the tables, None for an empty database."""
    names = connection.dialect.get_table_names(connection)
    if not names:
        return None
    version = connection.scalar(select(_stamp.c.version_num)) if _stamp.name in names else None
    if version is None or not re.fullmatch(r"\d{4}", version):
        raise StoreError(f"{backend.where} is not a steno store: it holds other tables ({', '.join(names[:3])}, ...)")
    if version > schema.VERSION:
        raise StoreTooNew(
            f"{backend.where} has tables of version {version} and this steno knows up to {schema.VERSION}: "
            f"upgrade with `pip install --upgrade steno`"
        )
    return cast(str, version)


def _create(engine: Engine, backend: Backend) -> None:
    with engine.connect() as connection:
        backend.begin_change(connection, rebuild=False)
        if _version(connection, backend) is not None:  # another process was first
            return
        schema.metadata.create_all(connection, checkfirst=False)
        _stamps.create_all(connection, checkfirst=False)
        connection.execute(insert(_stamp).values(version_num=schema.VERSION))
        connection.execute(insert(schema.experiments).values(_default_experiment(backend)))
        connection.commit()


def _default_experiment(backend: Backend) -> dict[str, object]:
    now = time_ns() // 1_000_000
    return {
        "experiment_id": int(DEFAULT_EXPERIMENT_ID),
        "name": DEFAULT_EXPERIMENT_NAME,
        "artifact_location": f"{backend.artifacts}/{DEFAULT_EXPERIMENT_ID}",
        "lifecycle_stage": LifecycleStage.ACTIVE,
        "creation_time": now,
        "last_update_time": now,
    }


def _migrate(engine: Engine, backend: Backend) -> None:
    """Move an old database forward in one transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with engine.connect() as connection:
        backend.begin_change(connection, rebuild=True)
        version = _version(connection, backend)
        if version is not None and version != schema.VERSION:
            copy = backend.keep_copy(version)
            config.attributes["connection"] = connection
            command.upgrade(config, schema.VERSION)
            connection.commit()
            _log.info("moved %s from version %s to %s; %s", backend.where, version, schema.VERSION, copy)
        connection.invalidate()
