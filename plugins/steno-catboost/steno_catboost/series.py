"""Every evaluation metric of every iteration, under MLflow's kind of name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

Evals = Mapping[str, Mapping[str, Sequence[float]]]
Point = tuple[str, int, int, float]
_NOT_IN_KEYS = re.compile(r"[^/\w.\- :]")


class Column(NamedTuple):
    """One metric on one data set, and the iterations at which it was computed."""

    key: str
    steps: Sequence[int]
    values: Sequence[float]


def key_of(data: str, metric: str) -> str:
    """Return the key of a metric on a data set: "validation-AUC", "learn-NDCG:top_3_type_Base"."""
    return _NOT_IN_KEYS.sub("_", f"{data}-{metric}")


def columns_of(evals: Evals, period: int, planned: int, metadata: Any) -> list[Column]:
    """Return what `get_evals_result` gave, with the iterations it leaves out.

    Args:
        evals: By data set and metric.
        period: The metric period; some metrics are computed at each iteration all the same.
        planned: How many iterations were asked for.
        metadata: The model's own, in which each iteration has an entry since CatBoost 1.2.3 or so.
    """
    found = [(data, name, values) for data, metrics in evals.items() for name, values in metrics.items()]
    if period <= 1:
        return [Column(key_of(data, name), range(len(values)), values) for data, name, values in found]
    history, usual = _history(metadata), sorted({*range(0, planned, period), planned - 1})

    def steps(data: str, name: str, count: int) -> Sequence[int]:
        known = [step for step, measured in enumerate(history(data)) if name in measured]
        if len(known) == count:
            return known
        return usual[:count] if count <= len(usual) else range(count)

    return [Column(key_of(data, name), steps(data, name, len(values)), values) for data, name, values in found]


def last_step(columns: Iterable[Column]) -> int:
    """Return the last iteration that anything is known of; -1 if there is none."""
    return max((column.steps[-1] for column in columns if len(column.steps)), default=-1)


def points(columns: Iterable[Column], times_ms: Sequence[int], offset: int, every: int) -> list[Point]:
    """Return all points.

    Args:
        columns: The metrics.
        times_ms: When each iteration ended.
        offset: Trees of the model that training went on with; steps are counted from there.
        every: Keep each n-th iteration, and the last.
    """
    return [
        (key, offset + step, times_ms[step], float(value))
        for key, steps, values in columns
        for step, value in zip(steps, values, strict=False)
        if step % every == 0 or step == steps[-1]
    ]


def values_at(columns: Iterable[Column], step: int) -> dict[str, float]:
    """Return what was measured at one iteration."""
    return {key: float(values[steps.index(step)]) for key, steps, values in columns if step in steps}


def _history(metadata: Any) -> Callable[[str], list[Mapping[str, Any]]]:
    """Return what gives the measurements of each iteration by data set, empty ones included."""
    told = json.loads(metadata["training"]) if "training" in metadata.keys() else {}  # noqa: SIM118
    measured = told.get("metrics", {})
    learn, tests = measured.get("learn_metrics_history", []), measured.get("test_metrics_history", [])

    def of(data: str) -> list[Mapping[str, Any]]:
        if data == "learn":
            return list(learn)
        number = int(data.rpartition("_")[2]) if "_" in data else 0
        return [each[number] if number < len(each) else {} for each in tests]

    return of
