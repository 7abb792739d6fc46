"""One run, whole, on one page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from steno.cli.formats import duration, local_time, number
from steno.cli.run_tables import length_ms
from steno.cli.sparkline import sparkline
from steno.cli.tables import cell, fields, status, table

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

    from steno.contracts.stores import RunStore
    from steno.records import Run

SPARKLINE_WIDTH = 24
_HEAD_TAGS = {
    "mlflow.source.name": "source",
    "mlflow.source.git.commit": "commit",
    "mlflow.autologging": "autologged",
    "mlflow.parentRunId": "parent",
    "steno.end_reason": "ended",
    "steno.error": "error",
    "steno.overhead_percent": "overhead %",
    "mlflow.note.content": "note",
}
_QUIET = ("mlflow.", "steno.")


def run_page(run: Run, experiment: str, store: RunStore, *, all_tags: bool) -> Group:
    """The head, params, metrics with their sparklines, tags, datasets and models of a run."""
    from rich.console import Group

    parts: list[Table] = [_head(run, experiment)]
    if run.data.params:
        parts.append(table(["param", "value"], sorted(run.data.params.items())))
    if run.data.metrics:
        parts.append(_metrics(run, store))
    tags = {key: value for key, value in run.data.tags.items() if all_tags or not key.startswith(_QUIET)}
    if tags:
        parts.append(table(["tag", "value"], sorted(tags.items())))
    parts.extend(_links(run))
    return Group(*(item for part in parts for item in (part, cell(""))))


def _head(run: Run, experiment: str) -> Table:
    from steno.records import Tags

    info = run.info
    deleted = info.lifecycle_stage == "deleted"
    return fields(
        {
            "name": cell(info.run_name, "bold"),
            "id": info.run_id,
            "experiment": experiment,
            "status": status(info.status),
            "stage": cell("deleted; `steno runs restore` brings it back", "yellow") if deleted else "",
            "started": local_time(info.start_time),
            "took": duration(length_ms(run)),
            "user": info.user_id,
            "artifacts": info.artifact_uri,
            **{label: run.data.tags.get(tag, "") for tag, label in _HEAD_TAGS.items()},
            "made with": _made_with(run.data.tags.get(Tags.ENVIRONMENT, "")),
        }
    )


def _made_with(environment: str) -> str:
    """The interpreter and the packages of a run, in a line or two."""
    try:
        found = json.loads(environment)
        return ", ".join([f"Python {found['python']}", *(f"{k} {v}" for k, v in found["packages"].items())])
    except (ValueError, KeyError, TypeError, AttributeError):  # none, or a stranger's
        return ""


def _metrics(run: Run, store: RunStore) -> Table:
    headers = ["metric", ">last", ">min", ">at step", ">max", ">at step", ">points", "course"]
    return table(headers, (_metric(run, key, store) for key in sorted(run.data.metrics)))


def _metric(run: Run, key: str, store: RunStore) -> list[str]:
    course = sparkline(store.metric_buckets(run.info.run_id, key, SPARKLINE_WIDTH))
    summary = run.data.summaries.get(key)
    if summary is None:  # a foreign server keeps no summaries
        return [key, number(run.data.metrics[key]), "", "", "", "", "", course]
    low, high = (number(summary.min), str(summary.min_step)), (number(summary.max), str(summary.max_step))
    return [key, number(summary.last), *low, *high, str(summary.count), course]


def _links(run: Run) -> Iterator[Table]:
    inputs = run.inputs.dataset_inputs
    if inputs:
        uses = [", ".join(tag.value for tag in used.tags) for used in inputs]
        rows = [(i.dataset.name, i.dataset.digest, use) for i, use in zip(inputs, uses, strict=True)]
        yield table(["dataset", "digest", "used for"], rows)
    if run.outputs.model_outputs:
        yield table(["model", ">step"], [(out.model_id, str(out.step)) for out in run.outputs.model_outputs])
