"""Summaries of stretches are exact for any points."""

from __future__ import annotations

import math
from array import array

from hypothesis import example, given
from hypothesis import strategies as st
from steno.records import Series
from steno_sql.blocks import merge, pack_blocks, summarise, thin, unpack_blocks
from steno_sql.summaries import joined, summary_of

INT64 = st.integers(-(2**63), 2**63 - 1)
VALUES = st.floats(width=64) | st.sampled_from([0.0, -0.0, 1.0, math.nan, math.inf, -math.inf])
POINTS = st.lists(st.tuples(st.integers(-5, 5) | INT64, st.integers(0, 3), VALUES), min_size=1, max_size=1200)


def _series(points):
    columns = list(zip(*points, strict=True))
    return Series("m", array("q", columns[0]), array("q", columns[1]), array("d", columns[2]))


def _same(first, second):
    return first == second or (first != first and second != second)


def _extreme(points, pick):
    """The extreme and the step of the first point that has it, found the slow way."""
    real = [(step, value) for step, _, value in points if value == value]
    if not real:
        return math.nan, points[0][0]
    value = pick(value for _, value in real)
    return value, next(step for step, each in real if each == value)


@given(POINTS, st.integers(1, 40))
@example([(0, 0, math.nan)] * 300 + [(1, 0, math.inf), (2, 0, -math.inf)], 1)
def test_buckets_keep_count_last_and_extremes_of_any_points(points, limit):
    series = _series(points)
    found = thin(summarise(series.steps, series.values, 16), limit)
    assert len(found) <= limit
    position = 0
    for bucket in found:
        stretch = points[position : position + bucket.count]
        low, low_step = _extreme(stretch, min)
        high, high_step = _extreme(stretch, max)
        assert _same(bucket.min, low)
        assert _same(bucket.max, high)
        assert (bucket.min_step, bucket.max_step) == (low_step, high_step)
        assert _same(bucket.last, stretch[-1][2])
        assert (bucket.first_step, bucket.last_step) == (stretch[0][0], stretch[-1][0])
        position += bucket.count
    assert position == len(points)


@given(POINTS)
def test_stretches_come_back_from_bytes(points):
    series = _series(points)
    blocks = summarise(series.steps, series.values)
    assert pack_blocks(unpack_blocks(pack_blocks(blocks))) == pack_blocks(blocks)
    whole = merge(blocks)
    assert (whole.low_step, whole.high_step) == (min(series.steps), max(series.steps))


@given(POINTS, st.lists(st.integers(0, 1200), max_size=4))
def test_a_summary_is_exact_however_the_points_arrive(points, cuts):
    summary, start = None, 0
    for end in (*sorted(cuts), len(points)):
        if part := points[start:end]:
            series = _series(part)
            new = summary_of(series, summarise(series.steps, series.values))
            summary = joined(summary, new) if summary else new
        start = max(start, end)
    low, high = _extreme(points, min), _extreme(points, max)
    assert summary is not None
    assert summary.count == len(points)
    assert _same(summary.min, low[0])
    assert _same(summary.max, high[0])
    if low[0] == low[0]:
        assert (summary.min_step, summary.max_step) == (low[1], high[1])
    step, time_ms, value = max(points, key=lambda point: (*point[:2], point[2] == point[2], _rank(point[2])))
    assert (summary.last_step, summary.last_time) == (step, time_ms)
    assert _same(summary.last, value)


def _rank(value):
    return value if value == value else 0.0
