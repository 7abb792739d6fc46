"""Points are read: all of them as they were logged, or thinned for a chart with no extreme lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import ColumnElement, Connection, bindparam, select
from steno.records import MetricBucket, Series

from steno_sql.blocks import Block, summarise, thin, unpack_blocks
from steno_sql.pieces import cut, needs_chunk, only_point, points_from, within
from steno_sql.prepared import Prepared
from steno_sql.runs import summary_from
from steno_sql.schema import TAIL, AnyRow, chunks, series

_LOWEST, _HIGHEST = -(2**63), 2**63 - 1

_MINE = (chunks.c.run == bindparam("its_run"), chunks.c.key == bindparam("its_key"))
_LENGTHS = Prepared(select(chunks.c.number, chunks.c.count).where(*_MINE).order_by(chunks.c.number))
_PIECES = Prepared(
    select(chunks.c.number, chunks.c.steps, chunks.c.times, chunks.c.points)
    .where(*_MINE, chunks.c.number.between(bindparam("first"), bindparam("last")))
    .order_by(chunks.c.number)
)
_SUMMARY = Prepared(select(series).where(series.c.run == bindparam("its_run"), series.c.key == bindparam("its_key")))


def points(connection: Connection, run: int, key: str, offset: int, limit: int | None) -> Series:
    """Return points `[offset, offset + limit)` of a series as they were logged."""
    found = Series(key)
    if not offset and limit is None:
        for _, piece in _pieces(connection, run, key, (0, TAIL)):
            _extend(found, piece)
        return found if len(found) else _unchunked(connection, run, key)
    lengths = _LENGTHS.run(connection, {"its_run": run, "its_key": key}).fetchall()
    if not lengths:
        alone = _unchunked(connection, run, key)
        return cut(alone, offset, len(alone) if limit is None else offset + limit)
    end = sum(count for _, count in lengths) if limit is None else offset + limit
    firsts, position = {}, 0
    for number, count in lengths:
        if position < end and position + count > offset:
            firsts[number] = position
        position += count
    for number, piece in _pieces(connection, run, key, list(firsts)):
        first = firsts[number]
        inside = first >= offset and first + len(piece) <= end
        _extend(found, piece if inside else cut(piece, max(0, offset - first), end - first))
    return found


def buckets(
    connection: Connection, run: int, key: str, limit: int, first_step: int | None, last_step: int | None
) -> list[MetricBucket]:
    """Return at most `limit` stretches of the points whose steps lie in the range."""
    low = _LOWEST if first_step is None else first_step
    high = _HIGHEST if last_step is None else last_step
    rows = connection.execute(
        select(chunks.c.number, chunks.c.blocks)
        .where(*_mine(run, key), chunks.c.high_step >= low, chunks.c.low_step <= high)
        .order_by(chunks.c.number)
    ).all()
    if not rows:
        return thin(_fine([within(_unchunked(connection, run, key), low, high)], limit), limit)
    coarse = [block for row in rows for block in _blocks(connection, run, key, row, low, high)]
    if len(coarse) >= limit:
        return thin(coarse, limit)
    pieces = _pieces(connection, run, key, [row.number for row in rows])
    return thin(_fine((within(piece, low, high) for _, piece in pieces), limit), limit)


def _mine(run: int, key: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return chunks.c.run == run, chunks.c.key == key


def _pieces(connection: Connection, run: int, key: str, numbers: Sequence[int]) -> Iterator[tuple[int, Series]]:
    """Yield the points of chunks, from the first of the numbers to the last."""
    if numbers:
        mine = {"its_run": run, "its_key": key, "first": numbers[0], "last": numbers[-1]}
        for number, steps, times, values in _PIECES.run(connection, mine):
            yield number, points_from(key, steps, times, values)


def _unchunked(connection: Connection, run: int, key: str) -> Series:
    row = _SUMMARY.run(connection, {"its_run": run, "its_key": key}).fetchone()
    if row is None:
        return Series(key)
    summary = summary_from(row)
    return Series(key) if needs_chunk(summary) else only_point(key, summary)


def _blocks(connection: Connection, run: int, key: str, row: AnyRow, low: int, high: int) -> Sequence[Block]:
    """Return the stored stretches of a chunk, or new ones where there are none or the range cuts through one."""
    stored = [block for block in unpack_blocks(row.blocks) if block.high_step >= low and block.low_step <= high]
    if row.number != TAIL and all(block.low_step >= low and block.high_step <= high for block in stored):
        return stored
    ((_, whole),) = _pieces(connection, run, key, [row.number])
    piece = within(whole, low, high)
    return summarise(piece.steps, piece.values)


def _fine(some: Iterable[Series], limit: int) -> list[Block]:
    """Summarise points that are too few for the stored stretches to fill the chart."""
    whole = Series("")
    for piece in some:
        _extend(whole, piece)
    return summarise(whole.steps, whole.values, max(1, -(-len(whole) // limit)))


def _extend(whole: Series, piece: Series) -> None:
    whole.steps.extend(piece.steps)
    whole.times.extend(piece.times)
    whole.values.extend(piece.values)
