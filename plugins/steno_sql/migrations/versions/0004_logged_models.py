"""Logged models are entities; those that runs told of in a tag become some."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_id = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_HISTORY = "mlflow.log-model.history"
_OVERWRITTEN = "its files were overwritten by a model that was logged later under its name"


def upgrade() -> None:
    _models()
    for table in ("logged_model_params", "logged_model_tags"):
        _of_models(table, _text("key", "value"), ("key",))
    _metrics()
    op.create_table(
        "model_inputs",
        sa.Column("run", _id, sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("model_id", sa.Text, primary_key=True),
        sqlite_with_rowid=False,
    )
    connection = op.get_bind()
    for row in connection.execute(sa.text(_RUNS), {"tag": _HISTORY}).mappings().all():
        _carry_over(connection, row)


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _models() -> None:
    op.create_table(
        "logged_models",
        sa.Column("id", _id, primary_key=True),
        *_text("model_id"),
        sa.Column("experiment_id", _id, sa.ForeignKey("experiments.experiment_id", ondelete="CASCADE"), nullable=False),
        *_text("name", "artifact_location"),
        sa.Column("model_type", sa.Text),
        sa.Column("source_run_id", sa.Text),
        *_text("status"),
        sa.Column("status_message", sa.Text),
        sa.Column("creation_timestamp", sa.BigInteger, nullable=False),
        sa.Column("last_updated_timestamp", sa.BigInteger, nullable=False),
        *_text("lifecycle_stage"),
        sa.Column("deleted_time", sa.BigInteger),
        sa.Column("deleted_with_experiment", sa.Boolean, nullable=False),
        sa.UniqueConstraint("model_id"),
    )
    op.create_index("ix_logged_models_source_run_id", "logged_models", ["source_run_id"])
    by_time = sa.text("creation_timestamp DESC")
    op.create_index("ix_logged_models_newest", "logged_models", ["experiment_id", by_time, "model_id"])


def _metrics() -> None:
    keys = ("key", "run_id", "dataset_name", "dataset_digest")
    columns = [
        sa.Column("last", sa.Double),
        sa.Column("last_step", sa.BigInteger, nullable=False),
        sa.Column("last_time", sa.BigInteger, nullable=False),
        sa.Column("min", sa.Double),
        sa.Column("max", sa.Double),
        sa.Column("points", sa.LargeBinary, nullable=False),
    ]
    _of_models("logged_model_metrics", [*_text(*keys), *columns], keys)


def _of_models(table: str, columns: list[sa.Column[Any]], keys: tuple[str, ...]) -> None:
    op.create_table(
        table,
        sa.Column("model", _id, sa.ForeignKey("logged_models.id", ondelete="CASCADE"), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("model", *keys),
        sqlite_with_rowid=False,
    )


_RUNS = """
SELECT r.id, r.run_id, r.experiment_id, r.artifact_uri, r.start_time, e.artifact_location, t.value AS history
FROM runs r JOIN tags t ON t.run = r.id AND t.key = :tag JOIN experiments e ON e.experiment_id = r.experiment_id
ORDER BY r.id
"""
_MODEL = """
INSERT OR IGNORE INTO logged_models
(model_id, experiment_id, name, artifact_location, source_run_id, status, status_message, creation_timestamp,
 last_updated_timestamp, lifecycle_stage, deleted_with_experiment)
VALUES (:model_id, :experiment_id, :name, :place, :run_id, :status, :message, :created, :created, 'active', 0)
RETURNING id
"""
_PARAMS = "INSERT INTO logged_model_params SELECT :model, key, value FROM params WHERE run = :run"
_METRIC = """
INSERT INTO logged_model_metrics VALUES (:model, :key, :run_id, '', '', :last, :step, :time, :last, :last, :points)
"""


def _carry_over(connection: sa.Connection, run: Any) -> None:
    """Make entities of what a run's tag tells; it stays, for the tools that read it."""
    told = list(_told(run["history"]))
    newest = {path: model_id for model_id, path, _ in told}
    for model_id, path, created in told:
        there = newest[path] == model_id
        row = {
            "model_id": model_id,
            "experiment_id": run["experiment_id"],
            "name": path,
            # One that is overwritten gets a place of its own, where nothing is: its purge must not take the other's.
            "place": f"{run['artifact_uri']}/{path}" if there else _own_place(run, model_id),
            "run_id": run["run_id"],
            "status": "READY" if there else "FAILED",
            "message": None if there else _OVERWRITTEN,
            "created": created or run["start_time"],
        }
        number = connection.execute(sa.text(_MODEL), row).scalar()
        if number is None:  # told twice
            continue
        connection.execute(
            sa.text("INSERT OR IGNORE INTO outputs (run, model_id, step) VALUES (:run, :model_id, 0)"),
            {"run": run["id"], "model_id": model_id},
        )
        connection.execute(sa.text(_PARAMS), {"model": number, "run": run["id"]})
        if len(told) == 1:  # of several, nothing says whose the run's metrics are
            _take_metrics(connection, number, run)


def _own_place(run: Any, model_id: str) -> str:
    return f"{run['artifact_location'].rstrip('/')}/models/{model_id}/artifacts"


def _take_metrics(connection: sa.Connection, number: int, run: Any) -> None:
    found = sa.text("SELECT key, last, last_step, last_time FROM series WHERE run = :run")
    for key, last, step, time in connection.execute(found, {"run": run["id"]}).all():
        points = msgspec.msgpack.encode([(step, time, float("nan") if last is None else last)])
        row = {"model": number, "key": key, "run_id": run["run_id"], "last": last, "step": step, "time": time}
        connection.execute(sa.text(_METRIC), {**row, "points": points})


def _told(history: str) -> Iterator[tuple[str, str, int | None]]:
    """Yield id, path and time of each model in the tag; what a stranger wrote there, and is none, is passed over."""
    try:
        entries = json.loads(history)
    except ValueError:
        return
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, dict):
            continue
        uuid, path = entry.get("model_uuid"), entry.get("artifact_path")
        plain = uuid.removeprefix("m-") if isinstance(uuid, str) else ""
        if re.fullmatch(r"[0-9a-f]{32}", plain) and isinstance(path, str) and path:
            yield f"m-{plain}", path, _time_ms(entry.get("utc_time_created"))


def _time_ms(text: Any) -> int | None:
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)
    except (ValueError, TypeError):
        return None
