"""The tables of logged models.

A model has a small integer beside its public id. Its run is told by public id, for it outlives the run. `points` of a
metric are the last that were logged, packed, in a row that also has its last value and extremes, all that search reads.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Index, LargeBinary, Table

from steno_sql.schema import a_text, big_id, metadata


def _model_key() -> Column[int]:
    return Column("model", big_id, ForeignKey("logged_models.id", ondelete="CASCADE"), primary_key=True)


logged_models = Table(
    "logged_models",
    metadata,
    Column("id", big_id, primary_key=True),
    Column("model_id", a_text, nullable=False, unique=True),
    Column("experiment_id", big_id, ForeignKey("experiments.experiment_id", ondelete="CASCADE"), nullable=False),
    Column("name", a_text, nullable=False),
    Column("artifact_location", a_text, nullable=False),
    Column("model_type", a_text),
    Column("source_run_id", a_text, index=True),
    Column("status", a_text, nullable=False),
    Column("status_message", a_text),
    Column("creation_timestamp", BigInteger, nullable=False),
    Column("last_updated_timestamp", BigInteger, nullable=False),
    Column("lifecycle_stage", a_text, nullable=False),
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
    Column("key", a_text, primary_key=True),
    Column("value", a_text, nullable=False),
    sqlite_with_rowid=False,
)

logged_model_tags = Table(
    "logged_model_tags",
    metadata,
    _model_key(),
    Column("key", a_text, primary_key=True),
    Column("value", a_text, nullable=False),
    sqlite_with_rowid=False,
)

# NaN is NULL in `last`, `min` and `max`; an empty text stands for no dataset, since a key cannot be NULL.
logged_model_metrics = Table(
    "logged_model_metrics",
    metadata,
    _model_key(),
    Column("key", a_text, primary_key=True),
    Column("run_id", a_text, primary_key=True),
    Column("dataset_name", a_text, primary_key=True),
    Column("dataset_digest", a_text, primary_key=True),
    Column("last", Double),
    Column("last_step", BigInteger, nullable=False),
    Column("last_time", BigInteger, nullable=False),
    Column("min", Double),
    Column("max", Double),
    Column("points", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
