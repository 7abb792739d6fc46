"""Runs side by side: a list of many, a comparison of a few."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from steno.cli.formats import duration, local_time, number
from steno.cli.tables import cell, status, table

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from steno.queries import Field
    from steno.records import Run

DEFAULT_METRICS = 3
_MINOR = re.compile(r"time|^std_|^split\d|^rank_")  # durations and spreads say least of a run
ID_LENGTH = 8


def run_list(runs: Sequence[Run], experiments: dict[str, str], columns: Sequence[Field]) -> Table:
    """One line a run; without `columns` the metrics that most of the runs have."""
    columns = columns or common_metrics(runs)
    several = len({run.info.experiment_id for run in runs}) > 1
    headers = ["id", "name", *(["experiment"] if several else []), "status", "started", ">took"]
    rows: list[list[str | Text]] = []
    for run in runs:
        info = run.info
        row: list[str | Text] = [short_id(info.run_id), info.run_name]
        row += [experiments.get(info.experiment_id, info.experiment_id)] if several else []
        row += [status(info.status), local_time(info.start_time), duration(length_ms(run))]
        rows.append(row + [shown(run, column) for column in columns])
    return table([*headers, *(f">{column_name(column)}" for column in columns)], rows)


def common_metrics(runs: Sequence[Run]) -> list[Field]:
    """The few metrics that most of the runs have, scores and losses before durations."""
    from steno.queries import Entity, Field

    counts = Counter(key for run in runs for key in run.data.metrics if not key.startswith("system/"))
    ranked = sorted(counts, key=lambda key: (bool(_MINOR.search(key)), -counts[key], key))
    return [Field(Entity.METRIC, key) for key in ranked[:DEFAULT_METRICS]]


def column_name(field: Field) -> str:
    """The heading of a column: the key, with its statistic if it is not the last value."""
    return field.key if field.stat == "last" else f"{field.key}.{field.stat}"


def value_of(run: Run, field: Field) -> Any:
    """What a run holds for a field, None if nothing."""
    if field.entity == "metric":
        summary = run.data.summaries.get(field.key)
        if field.stat == "last" or summary is None:
            return run.data.metrics.get(field.key) if field.stat == "last" else None
        return getattr(summary, "last_step" if field.stat == "step" else field.stat)
    texts = {"param": run.data.params, "tag": run.data.tags}.get(field.entity)
    return getattr(run.info, field.key) if texts is None else texts.get(field.key)


def shown(run: Run, field: Field) -> str:
    """`value_of` for people."""
    value = value_of(run, field)
    if field.key in ("start_time", "end_time") and field.entity == "attribute":
        return local_time(value)
    if isinstance(value, int | float):
        return number(value)
    return value or ""


def short_id(run_id: str) -> str:
    """The end of an id: it is random, while the start of a uuid7 is the time."""
    return run_id[-ID_LENGTH:]


def length_ms(run: Run) -> int | None:
    """How long a run took, None while it goes on."""
    end = run.info.end_time
    return None if end is None else end - run.info.start_time


def comparison(runs: Sequence[Run], *, everything: bool) -> dict[str, dict[str, list[Any]]]:
    """Attributes, params and metrics by key, one value a run; only what differs unless `everything`."""
    sections: dict[str, Callable[[Run], dict[str, Any]]] = {
        "attributes": lambda run: {
            "run_name": run.info.run_name,
            "experiment_id": run.info.experiment_id,
            "status": run.info.status,
            "start_time": run.info.start_time,
            "duration_ms": length_ms(run),
        },
        "params": lambda run: dict(run.data.params),
        "metrics": lambda run: dict(run.data.metrics),
    }
    result: dict[str, dict[str, list[Any]]] = {}
    for name, read in sections.items():
        held = [read(run) for run in runs]
        values = {key: [one.get(key) for one in held] for key in sorted({key for one in held for key in one})}
        # By repr, so that NaN equals NaN.
        result[name] = {k: v for k, v in values.items() if everything or len(set(map(repr, v))) > 1}
    return result


def comparison_table(runs: Sequence[Run], compared: dict[str, dict[str, list[Any]]]) -> Table:
    """A column a run, a line a key."""
    rows: list[list[str | Text]] = []
    for section, values in compared.items():
        if values:
            rows.append([cell(section, "bold"), *("" for _ in runs)])
        rows += [[f"  {key}", *(_compared(key, value) for value in found)] for key, found in values.items()]
    return table(["", *(f">{short_id(run.info.run_id)}" for run in runs)], rows)


def _compared(key: str, value: Any) -> str:
    if value is None:
        return ""
    if key == "duration_ms":
        return duration(value)
    if key == "start_time":
        return local_time(value)
    return number(value) if isinstance(value, float) else str(value)
