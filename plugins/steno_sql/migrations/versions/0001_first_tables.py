"""First tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _run(column: str = "run") -> tuple[sa.Column[int], sa.ForeignKeyConstraint]:
    return sa.Column(column, _id, nullable=False), sa.ForeignKeyConstraint([column], ["runs.id"], ondelete="CASCADE")


def _experiment() -> tuple[sa.Column[int], sa.ForeignKeyConstraint]:
    key = sa.ForeignKeyConstraint(["experiment_id"], ["experiments.experiment_id"], ondelete="CASCADE")
    return sa.Column("experiment_id", _id, nullable=False), key


def upgrade() -> None:
    _experiments_and_runs()
    _facts()
    _series()
    _datasets_and_models()
    op.create_table(
        "offsets",
        sa.Column("writer_id", sa.Text, nullable=False),
        sa.Column("end", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("writer_id"),
        sqlite_with_rowid=False,
    )


def _experiments_and_runs() -> None:
    op.create_table(
        "experiments",
        sa.Column("experiment_id", _id, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("artifact_location", sa.Text, nullable=False),
        sa.Column("lifecycle_stage", sa.Text, nullable=False),
        sa.Column("creation_time", sa.BigInteger, nullable=False),
        sa.Column("last_update_time", sa.BigInteger, nullable=False),
        sa.Column("deleted_time", sa.BigInteger),
        sa.UniqueConstraint("name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "runs",
        sa.Column("id", _id, primary_key=True),
        sa.Column("run_id", sa.Text, nullable=False),
        *_experiment(),
        sa.Column("run_name", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("start_time", sa.BigInteger, nullable=False),
        sa.Column("end_time", sa.BigInteger),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("artifact_uri", sa.Text, nullable=False),
        sa.Column("lifecycle_stage", sa.Text, nullable=False),
        sa.Column("deleted_time", sa.BigInteger),
        sa.Column("deleted_with_experiment", sa.Boolean, nullable=False),
        sa.UniqueConstraint("run_id"),
    )
    op.create_index("ix_runs_newest", "runs", ["experiment_id", sa.text("start_time DESC"), "run_id"])


def _facts() -> None:
    owners = {"experiment_tags": _experiment, "params": _run, "tags": _run}
    for table, owner in owners.items():
        column, foreign_key = owner()
        op.create_table(
            table,
            column,
            sa.Column("key", sa.Text, nullable=False),
            sa.Column("value", sa.Text, nullable=False),
            sa.PrimaryKeyConstraint(column.name, "key"),
            foreign_key,
            sqlite_with_rowid=False,
        )


def _series() -> None:
    op.create_table(
        "series",
        *_run(),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("last", sa.Double),
        sa.Column("last_step", sa.BigInteger, nullable=False),
        sa.Column("last_time", sa.BigInteger, nullable=False),
        sa.Column("min", sa.Double),
        sa.Column("min_step", sa.BigInteger, nullable=False),
        sa.Column("max", sa.Double),
        sa.Column("max_step", sa.BigInteger, nullable=False),
        sa.Column("sealed", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("run", "key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "chunks",
        *_run(),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("low_step", sa.BigInteger, nullable=False),
        sa.Column("high_step", sa.BigInteger, nullable=False),
        sa.Column("blocks", sa.LargeBinary, nullable=False),
        sa.Column("steps", sa.LargeBinary, nullable=False),
        sa.Column("times", sa.LargeBinary, nullable=False),
        sa.Column("points", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("run", "key", "number"),
    )


def _datasets_and_models() -> None:
    texts = ("name", "digest", "source_type", "source", "schema", "profile")
    op.create_table(
        "datasets",
        sa.Column("id", _id, primary_key=True),
        *_experiment(),
        *(sa.Column(name, sa.Text, nullable=False) for name in texts),
        sa.UniqueConstraint("experiment_id", "name", "digest"),
    )
    op.create_table(
        "inputs",
        *_run(),
        sa.Column("dataset", _id, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("context", sa.Text),
        sa.Column("tags", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("run", "dataset"),
        sa.ForeignKeyConstraint(["dataset"], ["datasets.id"], ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "outputs",
        *_run(),
        sa.Column("model_id", sa.Text, nullable=False),
        sa.Column("step", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("run", "model_id", "step"),
        sqlite_with_rowid=False,
    )
