"""The registry's tables.

A model and a version have a small integer beside their public names; an integer of a model is never used again, since
the trail, which outlives everything, is keyed by it. `registered_model_names` holds every name a model ever had.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Table,
    UniqueConstraint,
    event,
)

from steno_sql.schema import a_text, big_id, metadata


def _model_key(*, primary_key: bool) -> Column[int]:
    target = ForeignKey("registered_models.id", ondelete="CASCADE")
    return Column("model", big_id, target, primary_key=primary_key, nullable=False)


def _version_key(*, primary_key: bool) -> Column[int]:
    target = ForeignKey("model_versions.id", ondelete="CASCADE")
    return Column("version", big_id, target, primary_key=primary_key, nullable=False)


registered_models = Table(
    "registered_models",
    metadata,
    Column("id", big_id, primary_key=True),
    Column("name", a_text, nullable=False, unique=True),
    Column("description", a_text, nullable=False),
    Column("versions", Integer, nullable=False),  # how many there ever were: a number is never used again
    Column("creation_timestamp", BigInteger, nullable=False),
    Column("last_updated_timestamp", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

registered_model_tags = Table(
    "registered_model_tags",
    metadata,
    _model_key(primary_key=True),
    Column("key", a_text, primary_key=True),
    Column("value", a_text, nullable=False),
    sqlite_with_rowid=False,
)

model_versions = Table(
    "model_versions",
    metadata,
    Column("id", big_id, primary_key=True),
    _model_key(primary_key=False),
    Column("version", Integer, nullable=False),
    Column("source", a_text, nullable=False),
    Column("location", a_text, nullable=False),
    Column("run_id", a_text, nullable=False, index=True),
    Column("model_id", a_text, nullable=False),
    Column("current_stage", a_text, nullable=False),
    Column("description", a_text, nullable=False),
    Column("user_id", a_text, nullable=False),
    Column("status", a_text, nullable=False),
    Column("status_message", a_text, nullable=False),
    Column("run_link", a_text, nullable=False),
    Column("creation_timestamp", BigInteger, nullable=False),
    Column("last_updated_timestamp", BigInteger, nullable=False),
    UniqueConstraint("model", "version"),
)
Index("ix_model_versions_stage", model_versions.c.model, model_versions.c.current_stage, model_versions.c.version)

model_version_tags = Table(
    "model_version_tags",
    metadata,
    _version_key(primary_key=True),
    Column("key", a_text, primary_key=True),
    Column("value", a_text, nullable=False),
    sqlite_with_rowid=False,
)

model_aliases = Table(
    "model_aliases",
    metadata,
    _model_key(primary_key=True),
    Column("alias", a_text, primary_key=True),
    Column("version", big_id, ForeignKey("model_versions.id", ondelete="CASCADE"), nullable=False, index=True),
    sqlite_with_rowid=False,
)

# No foreign keys below: what the trail tells of may be gone.
registered_model_names = Table(
    "registered_model_names",
    metadata,
    Column("name", a_text, primary_key=True),
    Column("model", big_id, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

registry_events = Table(
    "registry_events",
    metadata,
    Column("number", big_id, primary_key=True),
    Column("model", big_id, nullable=False, index=True),
    Column("time_ms", BigInteger, nullable=False),
    Column("user", a_text, nullable=False),
    Column("name", a_text, nullable=False),
    Column("version", a_text, nullable=False),
    Column("change", a_text, nullable=False),
    Column("key", a_text, nullable=False),
    Column("before", a_text),
    Column("after", a_text),
    sqlite_autoincrement=True,
)


def _only_ever_added_to(table: Table, connection: Connection, **_: object) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(
            f"CREATE FUNCTION {table.name}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE 'the trail of the registry is only ever added to'; END $$"
        )
        connection.exec_driver_sql(
            f"CREATE TRIGGER {table.name}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table.name} "
            f"EXECUTE FUNCTION {table.name}_refuse()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        connection.exec_driver_sql(
            f"CREATE TRIGGER {table.name}_no_{verb.lower()} BEFORE {verb} ON {table.name} "
            "BEGIN SELECT RAISE(ABORT, 'the trail of the registry is only ever added to'); END"
        )


event.listen(registry_events, "after_create", _only_ever_added_to)
