"""Points of logged models: the last of each series kept, its last value and extremes beside them for search."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import BindParameter, Connection, bindparam, select
from steno.records import Metric

from steno_sql.arriving import Put
from steno_sql.models.tables import logged_model_metrics as metrics
from steno_sql.runs import slices
from steno_sql.schema import AnyRow

KEPT = 100
"""Points of one metric that are kept of a model, on one dataset and by one run; the run has them all."""

Point = tuple[int, int, float]  # step, time, value
_Key = tuple[int, str, str, str, str]

_NAMES = ("model", "key", "run_id", "dataset_name", "dataset_digest")
_SET = Put(metrics)
_IDS: BindParameter[list[int]] = bindparam("models", expanding=True)
_STORED = select(metrics).where(metrics.c.model.in_(_IDS))
_decoder = msgspec.msgpack.Decoder(list[Point])


def add(connection: Connection, new: Iterable[tuple[int, str, Metric]]) -> None:
    """Add points to models, each with the integer of its model and the id of its run; what is there already stays."""
    groups: defaultdict[_Key, list[Point]] = defaultdict(list)
    for model, run_id, point in new:
        key = (model, point.key, run_id, point.dataset_name or "", point.dataset_digest or "")
        groups[key].append((point.step, point.timestamp, point.value))
    stored = _stored(connection, sorted({key[0] for key in groups}))
    rows = [_row(key, points, stored.get(key)) for key, points in groups.items()]
    if rows:
        _SET.run_each(connection, rows)


def of_row(row: AnyRow, model_id: str) -> list[Metric]:
    """Return the points in a row of the table, in the order they were logged."""
    return [
        Metric(row.key, value, time, step, row.dataset_name or None, row.dataset_digest or None, model_id, row.run_id)
        for step, time, value in _decoder.decode(row.points)
    ]


def _stored(connection: Connection, models: Sequence[int]) -> dict[_Key, AnyRow]:
    found: dict[_Key, AnyRow] = {}
    for some in slices(models):
        found.update((tuple(row[: len(_NAMES)]), row) for row in connection.execute(_STORED, {"models": list(some)}))
    return found


def _row(key: _Key, new: Sequence[Point], old: AnyRow | None) -> dict[str, Any]:
    there = _decoder.decode(old.points) if old is not None else []
    # A point is counted once, as MLflow does it: its clients log a run's points again for the run's model.
    known = set(there)
    points = [*there, *(point for point in dict.fromkeys(new) if point not in known)]
    last = max(points, key=lambda point: (point[0], point[1]))
    if old is not None and (old.last_step, old.last_time) > last[:2]:  # it came out of order, and was let go of
        last = (old.last_step, old.last_time, float("nan") if old.last is None else old.last)
    real = [value for _, _, value in points if value == value]
    ends = [] if old is None else [value for value in (old.min, old.max) if value is not None]
    return {
        **dict(zip(_NAMES, key, strict=True)),
        "last": last[2] if last[2] == last[2] else None,
        "last_step": last[0],
        "last_time": last[1],
        "min": min([*real, *ends], default=None),
        "max": max([*real, *ends], default=None),
        "points": msgspec.msgpack.encode(points[-KEPT:]),
    }
