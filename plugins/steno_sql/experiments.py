"""Experiments and their tags, inside a transaction that the store has begun."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from time import time_ns
from typing import Any

from sqlalchemy import ColumnElement, Connection, String, bindparam, cast, delete, insert, or_, select, update
from steno.errors import AlreadyExists, NotFound, RunStateError
from steno.records import Experiment, LifecycleStage

from steno_sql.arriving import Put
from steno_sql.models.tables import logged_models
from steno_sql.prepared import Prepared
from steno_sql.schema import AnyRow, experiment_tags, experiments, runs

ACTIVE, DELETED = LifecycleStage.ACTIVE.value, LifecycleStage.DELETED.value

_id = experiments.c.experiment_id
_SET_TAG = Put(experiment_tags)
_ONE = select(experiments).where(_id == bindparam("number"))
_LOCATION = Prepared(
    select(experiments.c.artifact_location).where(_id == bindparam("number"), experiments.c.lifecycle_stage == ACTIVE)
)


def now_ms() -> int:
    """Return the time in epoch milliseconds."""
    return time_ns() // 1_000_000


def create(
    connection: Connection, name: str, root: str, artifact_location: str | None, tags: Mapping[str, str] | None
) -> Experiment:
    """Create an experiment. Raises: AlreadyExists."""
    _check_free(connection, name)
    now = now_ms()
    row = {
        "name": name,
        "artifact_location": artifact_location or "",
        "lifecycle_stage": ACTIVE,
        "creation_time": now,
        "last_update_time": now,
    }
    number = connection.execute(insert(experiments).values(row).returning(_id)).scalar_one()
    if not artifact_location:
        _update(connection, number, artifact_location=f"{root}/{number}")
    _put_tags(connection, number, tags or {})
    return get(connection, str(number))


def get(connection: Connection, experiment_id: str) -> Experiment:
    """Return an experiment. Raises: NotFound."""
    return load(connection, [_row(connection, experiment_id)])[0]


def get_by_name(connection: Connection, name: str) -> Experiment | None:
    """Return an experiment or None."""
    row = connection.execute(select(experiments).where(experiments.c.name == name)).first()
    return load(connection, [row])[0] if row else None


def load(connection: Connection, rows: Sequence[AnyRow]) -> list[Experiment]:
    """Return the experiments of rows of the table, in their order, with their tags."""
    ids = [row.experiment_id for row in rows]
    tags: dict[int, dict[str, str]] = {number: {} for number in ids}
    for number, key, value in connection.execute(
        select(experiment_tags).where(experiment_tags.c.experiment_id.in_(ids))
    ):
        tags[number][key] = value
    return [
        Experiment(
            experiment_id=str(row.experiment_id),
            name=row.name,
            artifact_location=row.artifact_location,
            lifecycle_stage=row.lifecycle_stage,
            tags=tags[row.experiment_id],
            creation_time=row.creation_time,
            last_update_time=row.last_update_time,
        )
        for row in rows
    ]


def rename(connection: Connection, experiment_id: str, name: str) -> None:
    """Rename. Raises: NotFound, RunStateError, AlreadyExists."""
    row = _active(connection, experiment_id)
    if name != row.name:
        _check_free(connection, name)
    _update(connection, row.experiment_id, name=name, last_update_time=now_ms())


def set_tags(connection: Connection, experiment_id: str, tags: Mapping[str, str]) -> None:
    """Set tags. Raises: NotFound, RunStateError."""
    number = _active(connection, experiment_id).experiment_id
    _put_tags(connection, number, tags)
    _update(connection, number, last_update_time=now_ms())


def delete_tag(connection: Connection, experiment_id: str, key: str) -> None:
    """Remove a tag. Raises: NotFound."""
    number = _row(connection, experiment_id).experiment_id
    mine = (experiment_tags.c.experiment_id == number) & (experiment_tags.c.key == key)
    if connection.execute(delete(experiment_tags).where(mine)).rowcount == 0:
        raise NotFound(f"experiment {experiment_id} has no tag {key!r}")
    _update(connection, number, last_update_time=now_ms())


def delete_whole(connection: Connection, experiment_id: str) -> None:
    """Mark an experiment, its active runs and its active models deleted. Raises: NotFound."""
    row, now = _row(connection, experiment_id), now_ms()
    if row.lifecycle_stage == DELETED:
        raise NotFound(f"experiment {experiment_id} is deleted already")
    _update(connection, row.experiment_id, lifecycle_stage=DELETED, deleted_time=now, last_update_time=now)
    gone = {"lifecycle_stage": DELETED, "deleted_time": now, "deleted_with_experiment": True}
    for table in (runs, logged_models):
        active = (table.c.experiment_id == row.experiment_id) & (table.c.lifecycle_stage == ACTIVE)
        connection.execute(update(table).where(active).values(gone))


def restore_whole(connection: Connection, experiment_id: str) -> None:
    """Undo `delete_whole` for the experiment and what went with it. Raises: NotFound."""
    row = _row(connection, experiment_id)
    if row.lifecycle_stage == ACTIVE:
        raise NotFound(f"experiment {experiment_id} is not deleted")
    _update(connection, row.experiment_id, lifecycle_stage=ACTIVE, deleted_time=None, last_update_time=now_ms())
    back = {"lifecycle_stage": ACTIVE, "deleted_time": None, "deleted_with_experiment": False}
    for table in (runs, logged_models):
        went_along = (table.c.experiment_id == row.experiment_id) & table.c.deleted_with_experiment
        connection.execute(update(table).where(went_along).values(back))


def purge(connection: Connection, deleted_before_ms: int) -> list[tuple[str, str]]:
    """Remove the experiments deleted before then that hold no run or model."""
    held = (select(table.c.id).where(table.c.experiment_id == _id).exists() for table in (runs, logged_models))
    empty = ~or_(*held)
    gone = (experiments.c.lifecycle_stage == DELETED) & (experiments.c.deleted_time < deleted_before_ms) & empty
    rows = connection.execute(select(_id, experiments.c.artifact_location).where(gone).order_by(_id)).all()
    connection.execute(delete(experiments).where(gone))
    return [(str(number), location) for number, location in rows]


def numbers(experiment_ids: Iterable[str]) -> list[int]:
    """Return ids as the integers they are here; what is no id is left out."""
    return [int(text) for text in experiment_ids if text.isascii() and text.isdigit() and len(text) < 19]


def as_text(column: ColumnElement[int]) -> ColumnElement[str]:
    """Return a column of ids as text, which they are to everyone but this database."""
    return cast(column, String)


def active_locations(connection: Connection, experiment_ids: Iterable[str]) -> dict[str, str]:
    """Return the artifact location of experiments that may take runs. Raises: NotFound, RunStateError."""
    return {each: _active_location(connection, each) for each in experiment_ids}


def _active_location(connection: Connection, experiment_id: str) -> str:
    for number in numbers([experiment_id]):
        for (location,) in _LOCATION.run(connection, {"number": number}):
            return str(location)
    return str(_active(connection, experiment_id).artifact_location)  # which says why there is none


def _row(connection: Connection, experiment_id: str) -> AnyRow:
    number = numbers([experiment_id])
    row = connection.execute(_ONE, {"number": number[0]}).first() if number else None
    if row is None:
        raise NotFound(f"there is no experiment with id {experiment_id!r}")
    return row


def _active(connection: Connection, experiment_id: str) -> AnyRow:
    row = _row(connection, experiment_id)
    if row.lifecycle_stage == DELETED:
        raise RunStateError(f"experiment {experiment_id} ({row.name!r}) is deleted: restore it first")
    return row


def _update(connection: Connection, number: int, **values: Any) -> None:
    connection.execute(update(experiments).where(_id == number).values(values))


def _put_tags(connection: Connection, number: int, tags: Mapping[str, str]) -> None:
    if tags:
        rows = [{"experiment_id": number, "key": key, "value": value} for key, value in tags.items()]
        _SET_TAG.run_each(connection, rows)


def _check_free(connection: Connection, name: str) -> None:
    there = get_by_name(connection, name)
    if there is not None:
        deleted = " and is deleted: restore or purge it" if there.lifecycle_stage == DELETED else ""
        raise AlreadyExists(f"experiment {name!r} exists already{deleted}")
