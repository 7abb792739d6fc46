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
)

VERSION = "0004"

AnyRow: TypeAlias = "Row[*tuple[Any, ...]]"
"""A row of whatever was selected."""

TAIL = 2**31 - 1
"""The chunk number of a series' open end: it sorts after all that are sealed."""

big_id = BigInteger().with_variant(Integer, "sqlite")
"""The type of a row's integer: SQLite's is spelled INTEGER."""

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
    Column("name", Text, nullable=False, unique=True),
    Column("artifact_location", Text, nullable=False),
    Column("lifecycle_stage", Text, nullable=False),
    Column("creation_time", BigInteger, nullable=False),
    Column("last_update_time", BigInteger, nullable=False),
    Column("deleted_time", BigInteger),
    sqlite_autoincrement=True,  # an id is never used again: the artifacts of a purged experiment may still lie there
)

experiment_tags = Table(
    "experiment_tags",
    metadata,
    _experiment_key(primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_with_rowid=False,
)

runs = Table(
    "runs",
    metadata,
    Column("id", big_id, primary_key=True),
    Column("run_id", Text, nullable=False, unique=True),
    _experiment_key(primary_key=False),
    Column("run_name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("start_time", BigInteger, nullable=False),
    Column("end_time", BigInteger),
    Column("user_id", Text, nullable=False),
    Column("artifact_uri", Text, nullable=False),
    Column("lifecycle_stage", Text, nullable=False),
    Column("deleted_time", BigInteger),
    Column("deleted_with_experiment", Boolean, nullable=False),
)
Index("ix_runs_newest", runs.c.experiment_id, runs.c.start_time.desc(), runs.c.run_id)

params = Table(
    "params",
    metadata,
    _run_key(),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_with_rowid=False,
)

tags = Table(
    "tags",
    metadata,
    _run_key(),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_with_rowid=False,
)

# NaN is NULL in `last`, `min` and `max`: SQLite cannot hold it, and a row that is there has a value.
series = Table(
    "series",
    metadata,
    _run_key(),
    Column("key", Text, primary_key=True),
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

# The wide columns come last: SQLite reaches what stands before them without following overflow pages.
chunks = Table(
    "chunks",
    metadata,
    _run_key(),
    Column("key", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("count", Integer, nullable=False),
    Column("low_step", BigInteger, nullable=False),
    Column("high_step", BigInteger, nullable=False),
    Column("blocks", LargeBinary, nullable=False),
    Column("steps", LargeBinary, nullable=False),
    Column("times", LargeBinary, nullable=False),
    Column("points", LargeBinary, nullable=False),
)

datasets = Table(
    "datasets",
    metadata,
    Column("id", big_id, primary_key=True),
    _experiment_key(primary_key=False),
    Column("name", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("source_type", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("schema", Text, nullable=False),
    Column("profile", Text, nullable=False),
    UniqueConstraint("experiment_id", "name", "digest"),
)

inputs = Table(
    "inputs",
    metadata,
    _run_key(),
    Column("dataset", big_id, ForeignKey("datasets.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("context", Text),
    Column("tags", Text, nullable=False),
    sqlite_with_rowid=False,
)

outputs = Table(
    "outputs",
    metadata,
    _run_key(),
    Column("model_id", Text, primary_key=True),
    Column("step", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

model_inputs = Table(
    "model_inputs",
    metadata,
    _run_key(),
    Column("model_id", Text, primary_key=True),
    sqlite_with_rowid=False,
)

# How far each writer's journal is stored. `run` lets the purge of a run take its writers along.
offsets = Table(
    "offsets",
    metadata,
    Column("writer_id", Text, primary_key=True),
    Column("end", BigInteger, nullable=False),
    Column("run", big_id, ForeignKey("runs.id", ondelete="CASCADE"), index=True),
    sqlite_with_rowid=False,
)
