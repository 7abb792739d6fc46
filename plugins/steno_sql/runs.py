"""Runs as they are read, deleted, restored and purged, inside a transaction that the store has begun."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import BindParameter, Column, ColumnElement, Connection, Select, bindparam, delete, select, update
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
from steno_sql.known import Facts, KnownRuns, copied
from steno_sql.prepared import Prepared
from steno_sql.schema import AnyRow, datasets, inputs, model_inputs, outputs, params, runs, series, tags

T = TypeVar("T")
Groups = dict[int, T]

MANY = 1000
"""Rows named in one statement: databases bound the number of bound values."""

_MINE: BindParameter[list[int]] = bindparam("runs", expanding=True)
_NUMBER = Prepared(select(runs.c.id).where(runs.c.run_id == bindparam("run_id")))


def _of_runs(statement: Select[Any], run: Column[int]) -> Prepared:
    return Prepared(statement.where(run.in_(_MINE)), listed="runs")


_PARAMS = _of_runs(select(params.c.run, params.c.key, params.c.value), params.c.run)
_TAGS = _of_runs(select(tags.c.run, tags.c.key, tags.c.value), tags.c.run)
_SERIES = _of_runs(select(series), series.c.run)
_DATASET = [datasets.c[name] for name in ("name", "digest", "source_type", "source", "schema", "profile")]
_INPUTS = _of_runs(
    select(inputs.c.run, inputs.c.tags, *_DATASET)
    .join(datasets, datasets.c.id == inputs.c.dataset)
    .order_by(inputs.c.run, inputs.c.position),
    inputs.c.run,
)
_MODEL_INPUTS = _of_runs(select(model_inputs.c.run, model_inputs.c.model_id), model_inputs.c.run)
_OUTPUTS = _of_runs(select(outputs.c.run, outputs.c.model_id, outputs.c.step), outputs.c.run)
_NAN = float("nan")


def slices(items: Sequence[T], size: int = MANY) -> Iterator[Sequence[T]]:
    """Cut a sequence into pieces that one statement can name."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def number_of(connection: Connection, run_id: str) -> int:
    """Return the integer a run is known by here. Raises: NotFound."""
    row = _NUMBER.run(connection, {"run_id": run_id}).fetchone()
    if row is None:
        raise NotFound(f"there is no run with id {run_id!r}")
    return int(row[0])


def get(connection: Connection, run_id: str, known: KnownRuns) -> Run:
    """Return a run whole. Raises: NotFound."""
    row = connection.execute(select(runs).where(runs.c.run_id == run_id)).first()
    if row is None:
        raise NotFound(f"there is no run with id {run_id!r}")
    return load(connection, [row], known)[0]


def load(connection: Connection, rows: Sequence[AnyRow], known: KnownRuns) -> list[Run]:
    """Return the runs of rows of the table whole, in their order."""
    facts = known.find(rows)
    for piece in slices([row for row in rows if row.id not in facts]):
        for row, each in zip(piece, _facts(connection, [row.id for row in piece]), strict=True):
            facts[row.id] = copied(each)
            known.keep(row, each)
    return [Run(_info(row), *facts[row.id]) for row in rows]


def _facts(connection: Connection, ids: list[int]) -> Iterator[Facts]:
    all_params = _pairs(connection, _PARAMS, ids)
    all_tags = _pairs(connection, _TAGS, ids)
    all_series: Groups[dict[str, MetricSummary]] = {each: {} for each in ids}
    for row in _SERIES.run_listed(connection, ids):
        all_series[row[0]][row[1]] = summary_from(row)
    all_inputs = _grouped(connection, _INPUTS, ids, _input)
    all_models = _grouped(connection, _MODEL_INPUTS, ids, ModelInput)
    all_outputs = _grouped(connection, _OUTPUTS, ids, ModelOutput)
    for number in ids:
        summaries = all_series[number]
        last = {key: summary.last for key, summary in summaries.items()}
        data = RunData(last, all_params[number], all_tags[number], summaries)
        yield data, RunInputs(all_inputs[number], all_models[number]), RunOutputs(all_outputs[number])


def _pairs(connection: Connection, statement: Prepared, ids: list[int]) -> Groups[dict[str, str]]:
    groups: Groups[dict[str, str]] = {each: {} for each in ids}
    for run, key, value in statement.run_listed(connection, ids):
        groups[run][key] = value
    return groups


def _grouped(connection: Connection, statement: Prepared, ids: list[int], entry: Callable[..., T]) -> Groups[list[T]]:
    groups: Groups[list[T]] = {each: [] for each in ids}
    for run, *columns in statement.run_listed(connection, ids):
        groups[run].append(entry(*columns))
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


def _input(its_tags: str, *columns: str) -> DatasetInput:
    used = Dataset(*columns)
    pairs: list[tuple[str, str]] = msgspec.json.decode(its_tags)
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
