"""Sparklines never hide an extreme."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
from steno.cli.sparkline import BLOCKS, sparkline
from steno.records import MetricBucket


def bucket(*values):
    known = [value for value in values if not math.isnan(value)]
    low, high = (min(known), max(known)) if known else (math.nan, math.nan)
    return MetricBucket(0, len(values) - 1, len(values), values[-1], low, 0, high, 0)


def drawn(*values):
    return sparkline([bucket(value) for value in values])


def test_a_line_rises_with_its_series():
    assert drawn(*range(8)) == BLOCKS
    assert drawn(*range(7, -1, -1)) == BLOCKS[::-1]


def test_nothing_draws_nothing_and_a_constant_the_middle():
    assert sparkline([]) == ""
    assert drawn(5, 5, 5) == "▅▅▅"


def test_what_is_not_finite_has_signs_of_its_own():
    assert drawn(0, math.nan, math.inf, -math.inf, 1) == "▁x↑↓█"
    assert drawn(math.nan) == "x"


def test_a_spike_within_a_bucket_is_seen():
    flat = [1.0] * 100
    line = sparkline([bucket(*flat), bucket(*flat, 1000.0, *flat), bucket(*flat), bucket(*flat, -1000.0, 1.0)])
    assert (line[1], line[3]) == ("█", "▁")


def test_the_widest_range_of_floats_is_drawn():
    assert drawn(-1.7e308, 0, 1.7e308) == "▁▅█"
    assert len(drawn(0.0, 5e-324)) == 2


values = st.floats() | st.sampled_from([0.0, 1e9, math.nan, math.inf])


@given(st.lists(st.lists(values, min_size=1, max_size=5), max_size=12))
def test_the_lowest_and_highest_are_always_drawn(groups):
    buckets = [bucket(*group) for group in groups]
    line = sparkline(buckets)
    assert len(line) == len(buckets)
    extremes = [value for one in buckets for value in (one.min, one.max)]
    # Scales without a width draw the middle, and infinities stand before what else their bucket holds.
    if not all(map(math.isfinite, extremes)) or max(extremes, default=0) / 2 == min(extremes, default=0) / 2:
        return
    lowest = {i for i, one in enumerate(buckets) if one.min == min(extremes)}
    highest = {i for i, one in enumerate(buckets) if one.max == max(extremes)}
    assert BLOCKS[0] in line or lowest <= highest
    assert BLOCKS[-1] in line or highest <= lowest
