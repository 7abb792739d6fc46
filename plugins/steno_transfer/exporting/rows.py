"""The tables of an export: which there are, and the rows that a record becomes.

A row is what JSON knows, times are epoch milliseconds, and the columns are those of the records. Only `metrics` is
written in columns, for there may be many millions of points.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from steno.model_records import LoggedModel, ModelVersion, RegisteredModel
from steno.records import Run, as_builtins

METRICS = "metrics"
TABLES = (
    "experiments",
    "runs",
    "params",
    "tags",
    METRICS,
    "inputs",
    "run_models",
    "models",
    "registered_models",
    "model_versions",
)
"""All tables. `inputs` has the datasets of runs, `run_models` the logged models that they used and made."""

Row = dict[str, Any]


def run_rows(run: Run) -> Iterator[tuple[str, Row]]:
    """Yield the rows of a run, all but its points, each with its table."""
    run_id = run.info.run_id
    yield "runs", as_builtins(run.info)
    for table, pairs in (("params", run.data.params), ("tags", run.data.tags)):
        for key, value in pairs.items():
            yield table, {"run_id": run_id, "key": key, "value": value}
    for used in run.inputs.dataset_inputs:
        tags = {tag.key: tag.value for tag in used.tags}
        yield "inputs", {"run_id": run_id, **as_builtins(used.dataset), "tags": tags}
    for taken in run.inputs.model_inputs:
        yield "run_models", {"run_id": run_id, "model_id": taken.model_id, "role": "input", "step": None}
    for made in run.outputs.model_outputs:
        yield "run_models", {"run_id": run_id, "model_id": made.model_id, "role": "output", "step": made.step}


def model_row(model: LoggedModel) -> tuple[str, Row]:
    """The row of a logged model, with its params, tags and points."""
    return "models", as_builtins(model)


def registration_rows(model: RegisteredModel, versions: list[ModelVersion]) -> Iterator[tuple[str, Row]]:
    """Yield the rows of a registered model and of its versions."""
    row = as_builtins(model)
    del row["latest_versions"]  # follows from the versions
    yield "registered_models", row
    for version in versions:
        yield "model_versions", as_builtins(version)
