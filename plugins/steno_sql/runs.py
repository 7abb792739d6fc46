"""Runs as they are read, deleted, restored and purged, inside a transaction that the store has begun."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import BindParameter, ColumnElement, Connection, Select, bindparam, delete, select, update
from steno.errors import NotFound
from steno.records import (
    Dataset,
    DatasetInput,
    InputTag,
    MetricSummary,
    ModelInput,
    ModelOutput,
    Run,
    RunData,
    RunInfo,
    RunInputs,
    RunOutputs,
)

from steno_sql.experiments import ACTIVE, DELETED, now_ms
from steno_sql.schema import AnyRow, datasets, inputs, model_inputs, outputs, params, runs, series, tags

T = TypeVar("T")

MANY = 1000
"""Rows named in one statement: databases bound the number of bound values."""

_MINE: BindParameter[list[int]] = bindparam("runs", expanding=True)
_PARAMS = select(params).where(params.c.run.in_(_MINE))
_TAGS = select(tags).where(tags.c.run.in_(_MINE))
_SERIES = select(series).where(series.c.run.in_(_MINE))
_INPUTS = (
    select(inputs.c.run, inputs.c.tags, datasets)
    .join(datasets, datasets.c.id == inputs.c.dataset)
    .where(inputs.c.run.in_(_MINE))
    .order_by(inputs.c.run, inputs.c.position)
)
_MODEL_INPUTS = select(model_inputs).where(model_inputs.c.run.in_(_MINE))
_OUTPUTS = select(outputs).where(outputs.c.run.in_(_MINE))
_NAN = float("nan")


def slices(items: Sequence[T], size: int = MANY) -> Iterator[Sequence[T]]:
    """Cut a sequence into pieces that one statement can name."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def number_of(connection: Connection, run_id: str) -> int:
    """Return the integer a run is known by here. Raises: NotFound."""
    number = connection.scalar(select(runs.c.id).where(runs.c.run_id == run_id))
    if number is None:
        raise NotFound(f"there is no run with id {run_id!r}")
    return int(number)


def get(connection: Connection, run_id: str) -> Run:
    """Return a run whole. Raises: NotFound."""
    row = connection.execute(select(runs).where(runs.c.run_id == run_id)).first()
    if row is None:
        raise NotFound(f"there is no run with id {run_id!r}")
    return load(connection, [row])[0]


def load(connection: Connection, rows: Sequence[AnyRow]) -> list[Run]:
    """Return the runs of rows of the table whole, in their order."""
    return [run for piece in slices(rows) for run in _load(connection, piece)]


def _load(connection: Connection, rows: Sequence[AnyRow]) -> list[Run]:
    ids = [row.id for row in rows]
    all_params = _grouped(connection, _PARAMS, ids, lambda row: (row[1], row[2]))
    all_tags = _grouped(connection, _TAGS, ids, lambda row: (row[1], row[2]))
    all_series = _grouped(connection, _SERIES, ids, lambda row: (row[1], summary_from(row)))
    all_inputs = _grouped(connection, _INPUTS, ids, _input)
    all_models = _grouped(connection, _MODEL_INPUTS, ids, lambda row: ModelInput(row.model_id))
    all_outputs = _grouped(connection, _OUTPUTS, ids, lambda row: ModelOutput(row.model_id, row.step))
    runs_ = []
    for row in rows:
        summaries = dict(all_series[row.id])
        last = {key: summary.last for key, summary in summaries.items()}
        data = RunData(last, dict(all_params[row.id]), dict(all_tags[row.id]), summaries)
        ins, outs = RunInputs(all_inputs[row.id], all_models[row.id]), RunOutputs(all_outputs[row.id])
        runs_.append(Run(_info(row), data, ins, outs))
    return runs_


def _grouped(
    connection: Connection, statement: Select[Any], ids: list[int], entry: Callable[[AnyRow], T]
) -> defaultdict[int, list[T]]:
    groups: defaultdict[int, list[T]] = defaultdict(list)
    for row in connection.execute(statement, {"runs": ids}).all():
        groups[row[0]].append(entry(row))
    return groups


def summary_from(row: Sequence[Any]) -> MetricSummary:
    """Return the summary in a row of the table `series`; its columns in their order."""
    _, _, count, last, last_step, last_time, low, min_step, high, max_step, _ = row
    return MetricSummary(
        count,
        _NAN if last is None else last,
        last_step,
        last_time,
        _NAN if low is None else low,
        min_step,
        _NAN if high is None else high,
        max_step,
    )


def _input(row: AnyRow) -> DatasetInput:
    used = Dataset(row.name, row.digest, row.source_type, row.source, row.schema, row.profile)
    pairs: list[tuple[str, str]] = msgspec.json.decode(row.tags)
    return DatasetInput(used, tuple(InputTag(key, value) for key, value in pairs))


def _info(row: AnyRow) -> RunInfo:
    return RunInfo(
        run_id=row.run_id,
        experiment_id=str(row.experiment_id),
        run_name=row.run_name,
        status=row.status,
        start_time=row.start_time,
        end_time=row.end_time,
        user_id=row.user_id,
        artifact_uri=row.artifact_uri,
        lifecycle_stage=row.lifecycle_stage,
    )


def delete_one(connection: Connection, run_id: str) -> None:
    """Mark a run deleted. Raises: NotFound."""
    gone = {"lifecycle_stage": DELETED, "deleted_time": now_ms(), "deleted_with_experiment": False}
    _mark(connection, run_id, runs.c.lifecycle_stage == ACTIVE, gone)


def restore_one(connection: Connection, run_id: str) -> None:
    """Undo `delete_one`. Raises: NotFound."""
    back = {"lifecycle_stage": ACTIVE, "deleted_time": None, "deleted_with_experiment": False}
    _mark(connection, run_id, runs.c.lifecycle_stage == DELETED, back)


def _mark(connection: Connection, run_id: str, when: ColumnElement[bool], values: dict[str, Any]) -> None:
    number = number_of(connection, run_id)
    connection.execute(update(runs).where(runs.c.id == number, when).values(values))


def purge(connection: Connection, deleted_before_ms: int) -> list[tuple[str, str]]:
    """Remove the runs deleted before then, all their facts, and datasets that nobody uses any more."""
    gone = (runs.c.lifecycle_stage == DELETED) & (runs.c.deleted_time < deleted_before_ms)
    rows = connection.execute(select(runs.c.run_id, runs.c.artifact_uri).where(gone).order_by(runs.c.id)).all()
    connection.execute(delete(runs).where(gone))
    used = select(inputs.c.dataset).where(inputs.c.dataset == datasets.c.id).exists()
    connection.execute(delete(datasets).where(~used))
    return [(run_id, artifact_uri) for run_id, artifact_uri in rows]
