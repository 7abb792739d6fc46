"""Points arrive: cut into chunks, packed, and summed up exactly for search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection, bindparam, outerjoin, select
from steno.records import MetricSummary, Series

from steno_sql import summaries
from steno_sql.arriving import NewRows, Put
from steno_sql.blocks import BLOCK_SIZE, Block, summarise
from steno_sql.pieces import cut, joined, needs_chunk, only_point, points_from, sealed_row, tail_row
from steno_sql.prepared import Prepared
from steno_sql.runs import slices, summary_from
from steno_sql.schema import TAIL, chunks, series

OPEN_POINTS = 512
"""Points that an open end may hold before it is sealed."""

SEALED_POINTS = 32 * BLOCK_SIZE
"""Points that a sealed chunk may hold."""

_NEW_CHUNKS, _NEW_SERIES = NewRows(chunks), NewRows(series)
_SET_TAIL, _SET_SERIES = Put(chunks), Put(series)
_SUMMARY = len(series.columns)
_Row = tuple[Any, ...]
_TAIL = (chunks.c.run == series.c.run) & (chunks.c.key == series.c.key) & (chunks.c.number == TAIL)
_KNOWN = (
    select(series, chunks.c.steps, chunks.c.times, chunks.c.points)
    .select_from(outerjoin(series, chunks, _TAIL))
    .where(series.c.run == bindparam("number"))
)
_KNOWN_ONE = Prepared(_KNOWN.where(series.c.key == bindparam("key")))
_KNOWN_SOME = Prepared(_KNOWN.where(series.c.key.in_(bindparam("keys", expanding=True))), listed="keys")


class Append:
    """Gathers what the batches of one transaction add to series, and writes it in few statements."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._series: list[dict[str, Any]] = []
        self._tails: list[dict[str, Any]] = []
        self._new_series: list[dict[str, Any]] = []
        self._new_chunks: list[dict[str, Any]] = []

    def add(self, run: int, new: Mapping[str, Series], *, fresh: bool) -> None:
        """Add points to the series of a run; of a `fresh` run nothing is looked up."""
        wanted = {key: points for key, points in new.items() if len(points)}
        known, tails = ({}, {}) if fresh or not wanted else self._stored(run, list(wanted))
        for key, points in wanted.items():
            sealed, row, old = 0, known.get(key), None
            whole = Series(key, points.steps, points.times, points.values)
            if row is not None:
                old, sealed = summary_from(row), row[-1]
                whole = joined(tails[key] if key in tails else only_point(key, old), whole)
            # Few points are summed up alone. Of many, the stretches are those that are stored too; that they begin
            # with points that were summed up before changes nothing but the count.
            part = points if len(whole) <= OPEN_POINTS else whole
            blocks = summarise(part.steps, part.values)
            summary = summaries.summary_of(part, blocks)
            if old is not None:
                summary = replace(summaries.joined(old, summary), count=old.count + len(points))
            if needs_chunk(summary):
                sealed = self._cut(run, whole, blocks, sealed, self._tails if key in tails else self._new_chunks)
            (self._new_series if row is None else self._series).append(_series_row(run, key, summary, sealed))

    def flush(self) -> None:
        """Write what was gathered. Call it once."""
        for statement, rows in ((_SET_SERIES, self._series), (_SET_TAIL, self._tails)):
            if rows:
                statement.run_each(self._connection, rows)
        for arriving, rows in ((_NEW_SERIES, self._new_series), (_NEW_CHUNKS, self._new_chunks)):
            if rows:
                arriving.add(self._connection, rows)

    def _stored(self, run: int, keys: list[str]) -> tuple[dict[str, _Row], dict[str, Series]]:
        known: dict[str, _Row] = {}
        tails: dict[str, Series] = {}
        for some in slices(keys):
            one = len(some) == 1
            mine = {"number": run}
            for row in (
                _KNOWN_ONE.run(self._connection, {**mine, "key": some[0]})
                if one
                else _KNOWN_SOME.run_listed(self._connection, some, mine)
            ):
                key, tail = row[1], row[_SUMMARY:]
                known[key] = row[:_SUMMARY]
                if tail[0] is not None:
                    tails[key] = points_from(key, *tail)
        return known, tails

    def _cut(self, run: int, points: Series, blocks: Sequence[Block], sealed: int, tails: list[dict[str, Any]]) -> int:
        """Seal what is long enough, leave the rest open, and return how many chunks are sealed now.

        Args:
            blocks: The stretches of all the points, if some are sealed.
            tails: Takes the row of the open end.
        """
        start, count = 0, len(points)
        while count - start > OPEN_POINTS:
            first, end = start // BLOCK_SIZE, start + SEALED_POINTS
            row = sealed_row(run, cut(points, start, end), blocks[first : end // BLOCK_SIZE], sealed)
            self._new_chunks.append(row)
            start, sealed = min(end, count), sealed + 1
        tails.append(tail_row(run, cut(points, start, count)))
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
