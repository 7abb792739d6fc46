"""The tables of logged models.

A model has a small integer beside its public id. Its run is told by public id, for it outlives the run. `points` of a
metric are the last that were logged, packed, in a row that also has its last value and extremes, all that search reads.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Index, LargeBinary, Table, Text

from steno_sql.schema import big_id, metadata


def _model_key() -> Column[int]:
    return Column("model", big_id, ForeignKey("logged_models.id", ondelete="CASCADE"), primary_key=True)


logged_models = Table(
    "logged_models",
    metadata,
    Column("id", big_id, primary_key=True),
    Column("model_id", Text, nullable=False, unique=True),
    Column("experiment_id", big_id, ForeignKey("experiments.experiment_id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("artifact_location", Text, nullable=False),
    Column("model_type", Text),
    Column("source_run_id", Text, index=True),
    Column("status", Text, nullable=False),
    Column("status_message", Text),
    Column("creation_timestamp", BigInteger, nullable=False),
    Column("last_updated_timestamp", BigInteger, nullable=False),
    Column("lifecycle_stage", Text, nullable=False),
    Column("deleted_time", BigInteger),
    Column("deleted_with_experiment", Boolean, nullable=False),
)
Index(
    "ix_logged_models_newest",
    logged_models.c.experiment_id,
    logged_models.c.creation_timestamp.desc(),
    logged_models.c.model_id,
)

logged_model_params = Table(
    "logged_model_params",
    metadata,
    _model_key(),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_with_rowid=False,
)

logged_model_tags = Table(
    "logged_model_tags",
    metadata,
    _model_key(),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_with_rowid=False,
)

# NaN is NULL in `last`, `min` and `max`; an empty text stands for no dataset, since a key cannot be NULL.
logged_model_metrics = Table(
    "logged_model_metrics",
    metadata,
    _model_key(),
    Column("key", Text, primary_key=True),
    Column("run_id", Text, primary_key=True),
    Column("dataset_name", Text, primary_key=True),
    Column("dataset_digest", Text, primary_key=True),
    Column("last", Double),
    Column("last_step", BigInteger, nullable=False),
    Column("last_time", BigInteger, nullable=False),
    Column("min", Double),
    Column("max", Double),
    Column("points", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
