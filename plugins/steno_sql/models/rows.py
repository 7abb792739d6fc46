"""Logged models as they are made, read, changed, deleted and purged, inside a transaction that the store has begun."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, Table, bindparam, delete, insert, select, update
from steno.errors import AlreadyExists, NotFound, ParamConflict, RunStateError
from steno.model_records import LoggedModel, LoggedModelStatus
from steno.records import Metric

from steno_sql.arriving import Put
from steno_sql.experiments import ACTIVE, DELETED, active_locations, now_ms
from steno_sql.models import points
from steno_sql.models.tables import logged_model_metrics, logged_model_params, logged_model_tags, logged_models
from steno_sql.runs import slices
from steno_sql.schema import AnyRow

_MINE: BindParameter[list[int]] = bindparam("models", expanding=True)
_BY_ID = select(logged_models).where(logged_models.c.model_id == bindparam("wanted"))
_PARAMS = select(logged_model_params).where(logged_model_params.c.model.in_(_MINE))
_TAGS = select(logged_model_tags).where(logged_model_tags.c.model.in_(_MINE))
_METRICS = select(logged_model_metrics).where(logged_model_metrics.c.model.in_(_MINE))
_SET_TAG = Put(logged_model_tags)


def location(root: str, model_id: str) -> str:
    """Return where the files of a model lie, below the artifacts of its experiment."""
    return f"{root.rstrip('/')}/models/{model_id}/artifacts"


def new_row(experiment: int, root: str, model_id: str, name: str, **told: Any) -> dict[str, Any]:
    """Return the row of a model that begins."""
    now = told.pop("created", None) or now_ms()
    return {
        "model_id": model_id,
        "experiment_id": experiment,
        "name": name,
        "artifact_location": location(root, model_id),
        "status": LoggedModelStatus.PENDING.value,
        "creation_timestamp": now,
        "last_updated_timestamp": now,
        "lifecycle_stage": ACTIVE,
        "deleted_with_experiment": False,
        **told,
    }


def create(
    connection: Connection,
    experiment_id: str,
    model_id: str,
    name: str,
    params: Mapping[str, str],
    tags: Mapping[str, str],
    **told: Any,
) -> LoggedModel:
    """Create a model. Raises: NotFound, RunStateError, AlreadyExists."""
    root = active_locations(connection, [experiment_id])[experiment_id]
    if connection.execute(_BY_ID, {"wanted": model_id}).first() is not None:
        raise AlreadyExists(f"there is a logged model with the id {model_id!r} already")
    connection.execute(insert(logged_models), new_row(int(experiment_id), root, model_id, name, **told))
    number = find(connection, model_id).id
    put_pairs(connection, logged_model_params, number, params)
    put_tags(connection, number, tags)
    return get(connection, model_id)


def find(connection: Connection, model_id: str) -> AnyRow:
    """Return the row of a model. Raises: NotFound."""
    row = connection.execute(_BY_ID, {"wanted": model_id}).first()
    if row is None:
        raise NotFound(f"there is no logged model with id {model_id!r}")
    return row


def get(connection: Connection, model_id: str) -> LoggedModel:
    """Return a model whole. Raises: NotFound."""
    return load(connection, [find(connection, model_id)])[0]


def load(connection: Connection, rows: Sequence[AnyRow]) -> list[LoggedModel]:
    """Return the models of rows of the table whole, in their order."""
    return [model for piece in slices(rows) for model in _load(connection, piece)]


def _load(connection: Connection, rows: Sequence[AnyRow]) -> list[LoggedModel]:
    ids = {row.id: row.model_id for row in rows}
    params, tags = _pairs(connection, _PARAMS, list(ids)), _pairs(connection, _TAGS, list(ids))
    metrics: defaultdict[int, list[Metric]] = defaultdict(list)
    for row in connection.execute(_METRICS, {"models": list(ids)}):
        metrics[row.model] += points.of_row(row, ids[row.model])
    return [
        LoggedModel(
            experiment_id=str(row.experiment_id),
            model_id=row.model_id,
            name=row.name,
            artifact_location=row.artifact_location,
            creation_timestamp=row.creation_timestamp,
            last_updated_timestamp=row.last_updated_timestamp,
            model_type=row.model_type,
            source_run_id=row.source_run_id,
            status=row.status,
            status_message=row.status_message,
            lifecycle_stage=row.lifecycle_stage,
            tags=tags[row.id],
            params=params[row.id],
            metrics=metrics[row.id],
        )
        for row in rows
    ]


def _pairs(connection: Connection, statement: Select[Any], ids: list[int]) -> defaultdict[int, dict[str, str]]:
    found: defaultdict[int, dict[str, str]] = defaultdict(dict)
    for model, key, value in connection.execute(statement, {"models": ids}):
        found[model][key] = value
    return found


def finalize(connection: Connection, model_id: str, status: str, message: str | None) -> LoggedModel:
    """Set the status. Raises: NotFound, RunStateError."""
    _change(connection, _active(connection, model_id).id, status=status, status_message=message)
    return get(connection, model_id)


def add_params(connection: Connection, model_id: str, params: Mapping[str, str]) -> None:
    """Add params, all or none. Raises: NotFound, RunStateError, ParamConflict."""
    number = _active(connection, model_id).id
    there = _pairs(connection, _PARAMS, [number])[number]
    for key, value in params.items():
        if there.get(key, value) != value:
            raise ParamConflict(key, there[key], value, model_id)
    put_pairs(connection, logged_model_params, number, {k: v for k, v in params.items() if k not in there})
    _change(connection, number)


def set_tags(connection: Connection, model_id: str, tags: Mapping[str, str]) -> None:
    """Set tags. Raises: NotFound, RunStateError."""
    number = _active(connection, model_id).id
    put_tags(connection, number, tags)
    _change(connection, number)


def delete_tag(connection: Connection, model_id: str, key: str) -> None:
    """Remove a tag. Raises: NotFound, RunStateError."""
    number = _active(connection, model_id).id
    mine = (logged_model_tags.c.model == number) & (logged_model_tags.c.key == key)
    if connection.execute(delete(logged_model_tags).where(mine)).rowcount == 0:
        raise NotFound(f"logged model {model_id} has no tag {key!r}")
    _change(connection, number)


def put_pairs(connection: Connection, table: Table, number: int, pairs: Mapping[str, str]) -> None:
    """Add keys with their values, none of which is there."""
    if pairs:
        connection.execute(insert(table), [{"model": number, "key": key, "value": pairs[key]} for key in pairs])


def put_tags(connection: Connection, number: int, tags: Mapping[str, str]) -> None:
    """Set the tags of a model."""
    if tags:
        _SET_TAG.run_each(connection, [{"model": number, "key": key, "value": tags[key]} for key in tags])


def delete_one(connection: Connection, model_id: str) -> None:
    """Mark a model deleted. Raises: NotFound."""
    if find(connection, model_id).lifecycle_stage == ACTIVE:
        gone = {"lifecycle_stage": DELETED, "deleted_time": now_ms(), "deleted_with_experiment": False}
        connection.execute(update(logged_models).where(logged_models.c.model_id == model_id).values(gone))


def restore_one(connection: Connection, model_id: str) -> None:
    """Undo `delete_one`. Raises: NotFound."""
    find(connection, model_id)
    back = {"lifecycle_stage": ACTIVE, "deleted_time": None, "deleted_with_experiment": False}
    connection.execute(update(logged_models).where(logged_models.c.model_id == model_id).values(back))


def purge(
    connection: Connection, deleted_before_ms: int, of_runs: Collection[str], keep: Collection[str]
) -> list[tuple[str, str]]:
    """Remove the models deleted before then and those of some runs, but for some."""
    columns = (logged_models.c.id, logged_models.c.model_id, logged_models.c.artifact_location)
    old = (logged_models.c.lifecycle_stage == DELETED) & (logged_models.c.deleted_time < deleted_before_ms)
    found = list(connection.execute(select(*columns).where(old)))
    for some in slices(sorted(of_runs)):
        found += connection.execute(select(*columns).where(logged_models.c.source_run_id.in_(some)))
    kept = frozenset(keep)
    gone = {number: (model_id, where) for number, model_id, where in found if model_id not in kept}
    for numbers in slices(sorted(gone)):
        connection.execute(delete(logged_models).where(logged_models.c.id.in_(numbers)))
    return list(gone.values())


def _active(connection: Connection, model_id: str) -> AnyRow:
    row = find(connection, model_id)
    if row.lifecycle_stage == DELETED:
        raise RunStateError(f"logged model {model_id} is deleted: restore it before writing to it")
    return row


def _change(connection: Connection, number: int, **values: Any) -> None:
    changed = {**values, "last_updated_timestamp": now_ms()}
    connection.execute(update(logged_models).where(logged_models.c.id == number).values(changed))
