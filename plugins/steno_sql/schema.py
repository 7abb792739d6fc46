"""The tables of runs; those of the registry and of logged models are in the `tables` of their folders.

A run has a small integer beside its public id, and every fact about it is keyed by that integer. `series` holds
one summary row per metric of a run, all that search ever reads; the points themselves are in `chunks`, packed.
A series of one plain point has no chunk: its summary is the point.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    Table,
    Text,
    UniqueConstraint,
    event,
)

VERSION = "0005"

AnyRow: TypeAlias = "Row[*tuple[Any, ...]]"
"""A row of whatever was selected."""

TAIL = 2**31 - 1
"""The chunk number of a series' open end: it sorts after all that are sealed."""

big_id = BigInteger().with_variant(Integer, "sqlite")
"""The type of a row's integer: SQLite's is spelled INTEGER."""

a_text = Text().with_variant(Text(collation="C"), "postgresql")
"""The type of text: compared and sorted by its bytes, as SQLite does it."""

PARTITIONS = 8
"""Parts that PostgreSQL keeps chunks in, by their run."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _run_key() -> Column[int]:
    return Column("run", big_id, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)


def _experiment_key(*, primary_key: bool) -> Column[int]:
    target = ForeignKey("experiments.experiment_id", ondelete="CASCADE")
    return Column("experiment_id", big_id, target, primary_key=primary_key, nullable=False)


experiments = Table(
    "experiments",
    metadata,
    Column("experiment_id", big_id, primary_key=True),
    Column("name", a_text, nullable=False, unique=True),
    Column("artifact_location", a_text, nullable=False),
    Column("lifecycle_stage", a_text, nullable=False),
    Column("creation_time", BigInteger, nullable=False),
    Column("last_update_time", BigInteger, nullable=False),
    Column("deleted_time", BigInteger),
    sqlite_autoincrement=True,  # an id is never used again: the artifacts of a purged experiment may still lie there
)

experiment_tags = Table(
    "experiment_tags",
    metadata,
    _experiment_key(primary_key=True),
    Column("key", a_text, primary_key=True),
    Column("value", a_text, nullable=False),
    sqlite_with_rowid=False,
)

runs = Table(
    "runs",
    metadata,
    Column("id", big_id, primary_key=True),
    Column("run_id", a_text, nullable=False, unique=True),
    _experiment_key(primary_key=False),
    Column("run_name", a_text, nullable=False),
    Column("status", a_text, nullable=False),
    Column("start_time", BigInteger, nullable=False),
    Column("end_time", BigInteger),
    Column("user_id", a_text, nullable=False),
    Column("artifact_uri", a_text, nullable=False),
    Column("lifecycle_stage", a_text, nullable=False),
    Column("deleted_time", BigInteger),
    Column("deleted_with_experiment", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False, server_default="0"),
)
Index("ix_runs_newest", runs.c.experiment_id, runs.c.start_time.desc(), runs.c.run_id)

params = Table(
    "params",
    metadata,
    _run_key(),
    Column("key", a_text, primary_key=True),
    Column("value", a_text, nullable=False),
    sqlite_with_rowid=False,
)

tags = Table(
    "tags",
    metadata,
    _run_key(),
    Column("key", a_text, primary_key=True),
    Column("value", a_text, nullable=False),
    sqlite_with_rowid=False,
)

# NaN is NULL in `last`, `min` and `max`: SQLite cannot hold it, and a row that is there has a value.
series = Table(
    "series",
    metadata,
    _run_key(),
    Column("key", a_text, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("last", Double),
    Column("last_step", BigInteger, nullable=False),
    Column("last_time", BigInteger, nullable=False),
    Column("min", Double),
    Column("min_step", BigInteger, nullable=False),
    Column("max", Double),
    Column("max_step", BigInteger, nullable=False),
    Column("sealed", Integer, nullable=False),
    sqlite_with_rowid=False,
)

# SQLite has the series of a run side by side; PostgreSQL would read all of them to find those of one key.
Index("ix_series_last", series.c.key, series.c.last, postgresql_include=["run"]).ddl_if(dialect="postgresql")

# The wide columns come last: SQLite reaches what stands before them without following overflow pages.
chunks = Table(
    "chunks",
    metadata,
    _run_key(),
    Column("key", a_text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("count", Integer, nullable=False),
    Column("low_step", BigInteger, nullable=False),
    Column("high_step", BigInteger, nullable=False),
    Column("blocks", LargeBinary, nullable=False),
    Column("steps", LargeBinary, nullable=False),
    Column("times", LargeBinary, nullable=False),
    Column("points", LargeBinary, nullable=False),
    postgresql_partition_by="HASH (run)",
)


def _make_partitions(table: Table, connection: Connection, **_: object) -> None:
    if connection.dialect.name == "postgresql":
        for number in range(PARTITIONS):
            connection.exec_driver_sql(
                f"CREATE TABLE {table.name}_{number} PARTITION OF {table.name} "
                f"FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {number})"
            )
            # What is in there is packed already: to try again takes time and gains nothing.
            for column in ("blocks", "steps", "times", "points"):
                connection.exec_driver_sql(
                    f"ALTER TABLE {table.name}_{number} ALTER COLUMN {column} SET STORAGE EXTERNAL"
                )


event.listen(chunks, "after_create", _make_partitions)

datasets = Table(
    "datasets",
    metadata,
    Column("id", big_id, primary_key=True),
    _experiment_key(primary_key=False),
    Column("name", a_text, nullable=False),
    Column("digest", a_text, nullable=False),
    Column("source_type", a_text, nullable=False),
    Column("source", a_text, nullable=False),
    Column("schema", a_text, nullable=False),
    Column("profile", a_text, nullable=False),
    UniqueConstraint("experiment_id", "name", "digest"),
)

inputs = Table(
    "inputs",
    metadata,
    _run_key(),
    Column("dataset", big_id, ForeignKey("datasets.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("context", a_text),
    Column("tags", a_text, nullable=False),
    sqlite_with_rowid=False,
)

outputs = Table(
    "outputs",
    metadata,
    _run_key(),
    Column("model_id", a_text, primary_key=True),
    Column("step", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

model_inputs = Table(
    "model_inputs",
    metadata,
    _run_key(),
    Column("model_id", a_text, primary_key=True),
    sqlite_with_rowid=False,
)

# How far each writer's journal is stored. `run` lets the purge of a run take its writers along.
offsets = Table(
    "offsets",
    metadata,
    Column("writer_id", a_text, primary_key=True),
    Column("end", BigInteger, nullable=False),
    Column("run", big_id, ForeignKey("runs.id", ondelete="CASCADE"), index=True),
    sqlite_with_rowid=False,
)
