"""Logged models as a table, and one of them whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from steno.cli.formats import local_time, number
from steno.cli.tables import cell, fields, table

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

    from steno.model_records import LoggedModel
    from steno.records import Metric, Run

_MOST = 3


def table_of(models: Sequence[LoggedModel]) -> Table:
    """A line a model, with the first of its metrics."""
    rows = [
        [
            model.model_id,
            model.name,
            model.status,
            local_time(model.creation_timestamp),
            (model.source_run_id or "")[-8:],
            ", ".join(f"{each.key} {number(each.value)}" for each in _latest(model)[:_MOST]),
        ]
        for model in models
    ]
    return table(["id", "name", "status", "logged", "run", "metrics"], rows)


def page(model: LoggedModel, run: Run | None) -> Group:
    """The head, params, metrics and tags of a model, and the data of its run."""
    from rich.console import Group

    parts = [_head(model, run)]
    if model.params:
        parts.append(table(["param", "value"], sorted(model.params.items())))
    if model.metrics:
        columns = ["metric", ">value", ">step", "dataset", "run"]
        parts.append(table(columns, [_metric(each) for each in _latest(model)]))
    tags = {key: value for key, value in model.tags.items() if not key.startswith("mlflow.")}
    if tags:
        parts.append(table(["tag", "value"], sorted(tags.items())))
    if run is not None and run.inputs.dataset_inputs:
        used = [(each.dataset.name, each.dataset.digest) for each in run.inputs.dataset_inputs]
        parts.append(table(["dataset of the run", "digest"], used))
    return Group(*(item for part in parts for item in (part, cell(""))))


def _head(model: LoggedModel, run: Run | None) -> Table:
    deleted = model.lifecycle_stage == "deleted"
    return fields(
        {
            "name": cell(model.name, "bold"),
            "id": model.model_id,
            "status": " ".join(filter(None, (model.status, model.status_message))),
            "stage": cell("deleted; `steno models logged restore` brings it back", "yellow") if deleted else "",
            "type": model.model_type or "",
            "logged": local_time(model.creation_timestamp),
            "last change": local_time(model.last_updated_timestamp),
            "registered": model.tags.get("mlflow.modelVersions", ""),
            "files": model.artifact_location,
            "run": f"{run.info.run_id} ({run.info.run_name})" if run else model.source_run_id or "",
        }
    )


def _latest(model: LoggedModel) -> list[Metric]:
    """The last point of each metric on each dataset, by name."""
    found = {(each.key, each.dataset_name, each.run_id): each for each in sorted(model.metrics, key=_when)}
    return sorted(found.values(), key=lambda each: (each.key, each.dataset_name or ""))


def _when(point: Metric) -> tuple[int, int]:
    return point.step, point.timestamp


def _metric(point: Metric) -> list[str]:
    about = f"{point.dataset_name} {point.dataset_digest}" if point.dataset_name else ""
    return [point.key, number(point.value), str(point.step), about, (point.run_id or "")[-8:]]
