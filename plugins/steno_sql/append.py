"""Points arrive: cut into chunks, packed, and summed up exactly for search."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, insert, outerjoin, select
from steno.records import MetricSummary, Series

from steno_sql import sqlite, summaries
from steno_sql.pieces import cut, joined, needs_chunk, only_point, points_from, sealed_row, tail_row
from steno_sql.runs import slices, summary_from
from steno_sql.schema import TAIL, AnyRow, chunks, series

OPEN_POINTS = 512
"""Points that an open end may hold before it is sealed."""

SEALED_POINTS = 8192
"""Points that a sealed chunk may hold."""

_NEW_CHUNK = insert(chunks)
_SET_TAIL = sqlite.insert(chunks)
_SET_TAIL = _SET_TAIL.on_conflict_do_update(
    index_elements=["run", "key", "number"],
    set_={column.name: column for column in _SET_TAIL.excluded if not column.primary_key},
)
_SET_SERIES = sqlite.insert(series)
_SET_SERIES = _SET_SERIES.on_conflict_do_update(
    index_elements=["run", "key"],
    set_={column.name: column for column in _SET_SERIES.excluded if not column.primary_key},
)
_SUMMARY = len(series.columns)
_TAIL = (chunks.c.run == series.c.run) & (chunks.c.key == series.c.key) & (chunks.c.number == TAIL)
_KNOWN = (
    select(series, chunks.c.steps, chunks.c.times, chunks.c.points)
    .select_from(outerjoin(series, chunks, _TAIL))
    .where(series.c.run == bindparam("number"))
)
_KNOWN_ONE = _KNOWN.where(series.c.key == bindparam("key"))  # a list is put into words each time
_KNOWN_SOME = _KNOWN.where(series.c.key.in_(bindparam("keys", expanding=True)))


class Append:
    """Gathers what the batches of one transaction add to series, and writes it in few statements."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._series: list[dict[str, Any]] = []
        self._sealed: list[dict[str, Any]] = []
        self._tails: list[dict[str, Any]] = []

    def add(self, run: int, new: Mapping[str, Series], *, fresh: bool) -> None:
        """Add points to the series of a run; of a `fresh` run nothing is looked up."""
        wanted = {key: points for key, points in new.items() if len(points)}
        known, tails = ({}, {}) if fresh or not wanted else self._stored(run, list(wanted))
        for key, points in wanted.items():
            summary, sealed, row = summaries.summary_of(points), 0, known.get(key)
            whole = Series(key, points.steps, points.times, points.values)
            if row is not None:
                old, sealed = summary_from(row[:_SUMMARY]), row.sealed
                summary = summaries.joined(old, summary)
                whole = joined(tails[key] if key in tails else only_point(key, old), whole)
            if needs_chunk(summary):
                sealed = self._cut(run, whole, sealed)
            self._series.append(_series_row(run, key, summary, sealed))

    def flush(self) -> None:
        """Write what was gathered. Call it once."""
        for statement, rows in ((_SET_SERIES, self._series), (_NEW_CHUNK, self._sealed), (_SET_TAIL, self._tails)):
            if rows:
                self._connection.execute(statement, rows)

    def _stored(self, run: int, keys: list[str]) -> tuple[dict[str, AnyRow], dict[str, Series]]:
        known: dict[str, AnyRow] = {}
        tails: dict[str, Series] = {}
        for some in slices(keys):
            one = len(some) == 1
            statement, named = (_KNOWN_ONE, {"key": some[0]}) if one else (_KNOWN_SOME, {"keys": list(some)})
            for row in self._connection.execute(statement, {"number": run, **named}):
                known[row.key] = row
                if row.steps is not None:
                    tails[row.key] = points_from(row.key, row)
        return known, tails

    def _cut(self, run: int, points: Series, sealed: int) -> int:
        """Seal what is long enough, leave the rest open, and return how many chunks are sealed now."""
        start, count = 0, len(points)
        while count - start > OPEN_POINTS:
            self._sealed.append(sealed_row(run, cut(points, start, start + SEALED_POINTS), sealed))
            start, sealed = min(start + SEALED_POINTS, count), sealed + 1
        self._tails.append(tail_row(run, cut(points, start, count)))
        return sealed


def _series_row(run: int, key: str, summary: MetricSummary, sealed: int) -> dict[str, Any]:
    return {
        "run": run,
        "key": key,
        "count": summary.count,
        "last": _storable(summary.last),
        "last_step": summary.last_step,
        "last_time": summary.last_time,
        "min": _storable(summary.min),
        "min_step": summary.min_step,
        "max": _storable(summary.max),
        "max_step": summary.max_step,
        "sealed": sealed,
    }


def _storable(value: float) -> float | None:
    return value if value == value else None
