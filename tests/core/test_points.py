"""Points that an importer gathers come back as they were taken, also those that did not fit into memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from steno.contracts.points import Points

numbers = st.integers(-(2**63), 2**63 - 1)
rows = st.lists(st.tuples(st.sampled_from("abc"), numbers, numbers, st.floats()))


@given(rows=rows, most=st.integers(1, 6))
def test_each_series_comes_back_in_order_and_bit_for_bit(rows, most):
    points = Points(most_in_memory=most)
    for row in rows:
        points.add(*row)
    for _ in range(2):  # they may be read again
        found: dict[str, list[tuple[int, int, str]]] = {}
        for series in points:
            assert len(series) <= most
            found.setdefault(series.key, []).extend(
                zip(series.steps, series.times, map(repr, series.values), strict=True)
            )
        expected: dict[str, list[tuple[int, int, str]]] = {}
        for key, step, time_ms, value in rows:
            expected.setdefault(key, []).append((step, time_ms, repr(value)))
        assert found == expected
    assert {key: repr(last) for key, last in points.last.items()} == {
        key: repr((step, time_ms, value)) for key, step, time_ms, value in rows
    }


def test_a_point_that_does_not_fit_64_bits_leaves_the_series_whole():
    points = Points()
    points.add("a", 1, 2, 3.0)
    with pytest.raises(OverflowError):
        points.add("a", 2, 2**63, 3.0)
    (series,) = points
    assert (series.steps.tolist(), series.times.tolist(), series.values.tolist()) == ([1], [2], [3.0])
