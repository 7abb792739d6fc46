"""One batch becomes rows: all of it in the transaction that the store has begun, each kind in one statement."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, bindparam, delete, func, insert, literal_column, select, update
from steno.errors import NotFound, ParamConflict, RunStateError, StaleToken
from steno.records import Batch, ModelOutput, RunChange, RunStart, RunStatus, Tags, Token

from steno_sql import experiments
from steno_sql.append import Append
from steno_sql.arriving import NewRows, Put, put_if_new
from steno_sql.backends import Turn
from steno_sql.experiments import ACTIVE, DELETED
from steno_sql.inputs import write_inputs, write_model_inputs, write_outputs
from steno_sql.models import made
from steno_sql.prepared import Prepared
from steno_sql.runs import number_of, slices
from steno_sql.schema import offsets, params, runs, tags

_RUN_NAME = Tags.RUN_NAME

# Locked, in one order, until the batch is stored: what is read here of a run is written anew.
_SOME_HEADS = (
    select(runs.c.run_id, runs.c.id, runs.c.experiment_id, runs.c.lifecycle_stage)
    .order_by(runs.c.run_id)
    .with_for_update(key_share=True)
)
_HEAD = Prepared(_SOME_HEADS.where(runs.c.run_id == bindparam("run_id")))
_HEADS = Prepared(_SOME_HEADS.where(runs.c.run_id.in_(bindparam("ids", expanding=True))), listed="ids")
_CREATED = (
    "run_id", "experiment_id", "run_name", "status", "start_time", "user_id", "artifact_uri", "lifecycle_stage",
    "deleted_with_experiment", "version",
)  # fmt: skip
_CREATE = put_if_new(runs, _CREATED, told=runs.c.id)
_CREATE_SOME = Prepared(insert(runs), _CREATED)
_WRITTEN = update(runs).where(runs.c.id == bindparam("number")).values(version=runs.c.version + literal_column("1"))
_TOUCH = Prepared(_WRITTEN)
_CHANGE = Prepared(
    _WRITTEN.values(
        {name: func.coalesce(bindparam(f"new_{name}"), runs.c[name]) for name in ("status", "end_time", "run_name")}
    )
)
_PARAMS = Prepared(select(params.c.key, params.c.value).where(params.c.run == bindparam("number")))
_ADD_PARAMS = NewRows(params)
_SET_TAGS = Put(tags)
_ADD_TAGS = NewRows(tags)
_DROP_TAG = Prepared(delete(tags).where(tags.c.run == bindparam("number"), tags.c.key == bindparam("tag_key")))
_STORED_END = select(offsets.c.end).where(offsets.c.writer_id == bindparam("writer_id"))
_OFFSET, _HELD_OFFSET = Prepared(_STORED_END), Prepared(_STORED_END.with_for_update())
_NEW_OFFSET, _SET_OFFSET = put_if_new(offsets), Put(offsets)

Round = dict[str, Batch]


class _Head(Struct):
    """Where the facts of a run go; `fresh` when this write creates it."""

    number: int
    experiment: int
    fresh: bool


def write(connection: Connection, run_id: str, batch: Batch, token: Token | None) -> None:
    """Apply a batch. Raises: as `RunStore.write`."""
    if token is not None:
        stored = _held_offset(connection, token.writer_id)
        if stored >= token.end:
            return
        if stored > token.start:
            raise StaleToken(token.writer_id, stored)
    for some in _rounds(run_id, batch):
        _write_round(connection, some)
    if token is not None:
        row = {"writer_id": token.writer_id, "end": token.end, "run": number_of(connection, run_id)}
        _SET_OFFSET.run(connection, row)


def offset(connection: Connection, writer_id: str) -> int:
    """Return the end offset of a writer, 0 when it is unknown."""
    row = _OFFSET.run(connection, {"writer_id": writer_id}).fetchone()
    return row[0] if row else 0


def _held_offset(connection: Connection, writer_id: str) -> int:
    """Return the end offset of a writer, which nobody else writes for until this batch is stored."""
    writer = {"writer_id": writer_id}
    row = _HELD_OFFSET.run(connection, writer).fetchone()
    if row is None and connection.dialect.name != "sqlite":  # which holds off all others anyway
        _NEW_OFFSET.run(connection, {**writer, "end": 0, "run": None})
        row = _HELD_OFFSET.run(connection, writer).fetchone()
    return row[0] if row else 0


def turn_of(batch: Batch) -> Turn:
    """Return which other writes may go on beside that of a batch.

    A run or a dataset must not begin in what is just being deleted. Models, and runs that begin together, are looked up
    first and written then.
    """
    if batch.children or batch.models or batch.model_points:
        return Turn.ALONE
    return Turn.BESIDE if batch.start is not None or batch.inputs else Turn.FREE


def _rounds(run_id: str, batch: Batch) -> Iterator[Round]:
    """Yield the batch and its descendants in order, in groups that name no run twice."""
    some: Round = {}
    for each_id, each in _flat(run_id, batch):
        if each_id in some:
            yield some
            some = {}
        some[each_id] = each
    yield some


def _flat(run_id: str, batch: Batch) -> Iterator[tuple[str, Batch]]:
    yield run_id, batch
    for child_id, child in batch.children:
        yield from _flat(child_id, child)


def _write_round(connection: Connection, some: Round) -> None:
    heads = _heads(connection, some)
    _write_changes(connection, heads, some)
    _write_params(connection, heads, some)
    _write_tags(connection, heads, some)
    points = Append(connection)
    for run_id, batch in some.items():
        head = heads[run_id]
        points.add(head.number, batch.series, fresh=head.fresh)
        if batch.inputs:
            write_inputs(connection, head.number, head.experiment, batch.inputs)
        if batch.model_inputs:
            write_model_inputs(connection, head.number, batch.model_inputs)
        outputs = [*batch.outputs, *(ModelOutput(start.model_id, start.step) for start in batch.models)]
        if outputs:
            write_outputs(connection, head.number, outputs)
    points.flush()
    _write_models(connection, heads, some)


def _write_models(connection: Connection, heads: Mapping[str, _Head], some: Round) -> None:
    # After the run's own points and params: a model that begins takes them over.
    for run_id, batch in some.items():
        head = heads[run_id]
        if batch.models:
            made.begin(connection, run_id, head.number, head.experiment, batch.models)
        if batch.model_points:
            made.log(connection, run_id, batch.model_points)


def _heads(connection: Connection, some: Round) -> dict[str, _Head]:
    """Return where each run's facts go, creating the runs that are new. Raises: NotFound, RunStateError."""
    heads = _stored_heads(connection, list(some))
    new: dict[str, RunStart] = {}
    for run_id, batch in some.items():
        if run_id in heads:
            continue
        if batch.start is None:
            raise NotFound(f"there is no run with id {run_id!r}")
        new[run_id] = batch.start
    if new:
        heads.update(_create(connection, new))
    return heads


def _stored_heads(connection: Connection, run_ids: list[str]) -> dict[str, _Head]:
    heads = {}
    for ids in slices(run_ids):
        one = len(ids) == 1
        found = _HEAD.run(connection, {"run_id": ids[0]}) if one else _HEADS.run_listed(connection, ids)
        for run_id, number, experiment, stage in found:
            if stage == DELETED:
                raise RunStateError(f"run {run_id} is deleted: restore it before writing to it")
            heads[run_id] = _Head(number, experiment, False)
    return heads


def _create(connection: Connection, new: Mapping[str, RunStart]) -> dict[str, _Head]:
    """Create runs. Raises: NotFound, RunStateError for their experiment."""
    wanted = dict.fromkeys(start.experiment_id for start in new.values())
    locations = experiments.active_locations(connection, wanted)
    rows = [_run_row(run_id, start, locations[start.experiment_id]) for run_id, start in new.items()]
    if len(rows) == 1:
        number = _create_one(connection, rows[0])
        if number is None:  # another process was a moment faster
            return _stored_heads(connection, list(new))
        return {rows[0]["run_id"]: _Head(number, rows[0]["experiment_id"], True)}
    _CREATE_SOME.run_each(connection, rows)
    return {
        run_id: _Head(head.number, head.experiment, True)
        for run_id, head in _stored_heads(connection, list(new)).items()
    }


def _create_one(connection: Connection, row: dict[str, Any]) -> int | None:
    made = _CREATE.run(connection, row)
    if connection.dialect.name == "sqlite":
        return int(made.lastrowid)
    told = made.fetchone()
    return int(told[0]) if told else None


def _run_row(run_id: str, start: RunStart, location: str) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "experiment_id": int(start.experiment_id),
        "run_name": _name(start),
        "status": RunStatus.RUNNING.value,
        "start_time": start.start_time,
        "user_id": start.user_id,
        "artifact_uri": f"{location.rstrip('/')}/{run_id}/artifacts",
        "lifecycle_stage": ACTIVE,
        "deleted_with_experiment": False,
        "version": time.time_ns(),  # never that of a run of this id that is gone
    }


def _name(start: RunStart) -> str:
    return start.run_name or start.tags.get(_RUN_NAME, "")


def _write_changes(connection: Connection, heads: Mapping[str, _Head], some: Round) -> None:
    touched, rows = [], []
    for run_id, batch in some.items():
        change, head = batch.change or RunChange(), heads[run_id]
        name = change.run_name or batch.tags.get(_RUN_NAME)
        values = {"new_status": change.status, "new_end_time": change.end_time, "new_run_name": name}
        if any(value is not None for value in values.values()):
            rows.append({"number": head.number, **values})
        elif not head.fresh:
            touched.append({"number": head.number})
    if rows:
        _CHANGE.run_each(connection, rows)
    if touched:
        _TOUCH.run_each(connection, touched)


def _write_params(connection: Connection, heads: Mapping[str, _Head], some: Round) -> None:
    rows = []
    for run_id, batch in some.items():
        if not batch.params:
            continue
        head = heads[run_id]
        stored = {} if head.fresh else dict(_PARAMS.run(connection, {"number": head.number}))
        for key, value in batch.params.items():
            old = stored.get(key)
            if old is None:
                rows.append({"run": head.number, "key": key, "value": value})
            elif old != value:
                raise ParamConflict(key, old, value, run_id)
    if rows:
        _ADD_PARAMS.add(connection, rows)


def _write_tags(connection: Connection, heads: Mapping[str, _Head], some: Round) -> None:
    dropped: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    new: list[dict[str, Any]] = []
    for run_id, batch in some.items():
        head = heads[run_id]
        dropped += [{"number": head.number, "tag_key": key} for key in batch.deleted_tags]
        mine = [{"run": head.number, "key": key, "value": value} for key, value in _tags(head, batch).items()]
        (new if head.fresh else rows).extend(mine)
    if dropped:
        _DROP_TAG.run_each(connection, dropped)
    if rows:
        _SET_TAGS.run_each(connection, rows)
    if new:
        _ADD_TAGS.add(connection, new)


def _tags(head: _Head, batch: Batch) -> dict[str, str]:
    """Return the tags to set, the run's name among them under its own key."""
    wanted: dict[str, str] = {}
    if head.fresh and batch.start is not None:
        wanted.update(batch.start.tags)
        wanted[_RUN_NAME] = _name(batch.start)
    wanted.update(batch.tags)
    if batch.change is not None and batch.change.run_name:
        wanted[_RUN_NAME] = batch.change.run_name
    return wanted
