"""Stretches of a series as rows of the table `chunks`: sealed, or the open end that still grows."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from typing import Any

from steno.records import MetricSummary, Series

from steno_sql.blocks import Block, pack_blocks
from steno_sql.chunks import pack_floats, pack_integers, pack_raw, unpack_floats, unpack_integers
from steno_sql.schema import TAIL


def sealed_row(run: int, piece: Series, blocks: Sequence[Block], number: int) -> dict[str, Any]:
    """Return a stretch packed small, beside it the summaries of its parts."""
    return {
        "run": run,
        "key": piece.key,
        "number": number,
        "count": len(piece),
        "low_step": min(block.low_step for block in blocks),
        "high_step": max(block.high_step for block in blocks),
        "blocks": pack_blocks(blocks),
        "steps": pack_integers(piece.steps),
        "times": pack_integers(piece.times),
        "points": pack_floats(piece.values),
    }


def tail_row(run: int, piece: Series) -> dict[str, Any]:
    """Return a stretch packed fast: it is rewritten with the next points."""
    return {
        "run": run,
        "key": piece.key,
        "number": TAIL,
        "count": len(piece),
        "low_step": min(piece.steps, default=0),
        "high_step": max(piece.steps, default=0),
        "blocks": b"",
        "steps": pack_raw(piece.steps),
        "times": pack_raw(piece.times),
        "points": pack_raw(piece.values),
    }


def points_from(key: str, steps: bytes, times: bytes, points: bytes) -> Series:
    """Return the points whose packed columns these are."""
    return Series(key, unpack_integers(steps), unpack_integers(times), unpack_floats(points))


def needs_chunk(summary: MetricSummary) -> bool:
    """Whether a summary is not itself the whole series: it is for one value that SQL keeps bit for bit."""
    value = summary.last
    return summary.count != 1 or value != value or (value == 0.0 and math.copysign(1.0, value) < 0)


def only_point(key: str, summary: MetricSummary) -> Series:
    """Return the series of a summary that needs no chunk."""
    return Series(key, array("q", [summary.last_step]), array("q", [summary.last_time]), array("d", [summary.last]))


def joined(head: Series, rest: Series) -> Series:
    """Return two stretches as one."""
    return Series(rest.key, head.steps + rest.steps, head.times + rest.times, head.values + rest.values)


def cut(points: Series, start: int, end: int) -> Series:
    """Return the points `[start, end)`."""
    return Series(points.key, points.steps[start:end], points.times[start:end], points.values[start:end])


def within(points: Series, low: int, high: int) -> Series:
    """Return the points whose steps lie in `[low, high]`."""
    if not points.steps or (min(points.steps) >= low and max(points.steps) <= high):
        return points
    kept = [index for index, step in enumerate(points.steps) if low <= step <= high]
    return Series(
        points.key,
        array("q", [points.steps[index] for index in kept]),
        array("q", [points.times[index] for index in kept]),
        array("d", [points.values[index] for index in kept]),
    )
