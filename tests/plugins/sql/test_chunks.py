"""Columns as bytes come back bit for bit."""

from __future__ import annotations

import math
from array import array

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from steno_sql.chunks import pack_floats, pack_integers, pack_raw, unpack_floats, unpack_integers

INT64 = st.integers(-(2**63), 2**63 - 1)
LOWEST, HIGHEST = -(2**63), 2**63 - 1


@given(st.lists(INT64, max_size=700))
@example([LOWEST, HIGHEST])
@example([HIGHEST, LOWEST, HIGHEST])
@example([LOWEST, LOWEST + 2**62, LOWEST + 2**63])
@example([])
def test_integers_come_back_as_they_were(numbers):
    column = array("q", numbers)
    assert unpack_integers(pack_integers(column)) == column
    assert unpack_integers(pack_raw(column)) == column


@given(st.integers(-(2**40), 2**40), st.lists(st.integers(-3, 2000), max_size=3000))
@example(1000, [13, -7] * 300)
@example(2**62, [2**40, -1, 2**40] * 300)
@example(-1, [1, 0, 1] * 300)
def test_timestamps_that_mostly_grow_come_back_as_they_were(start, differences):
    column = array("q", [start])
    for difference in differences:
        column.append(column[-1] + difference)
    assert unpack_integers(pack_integers(column)) == column


@given(INT64, st.integers(-(2**50), 2**50), st.integers(2, 500))
def test_progressions_come_back_as_they_were(start, stride, count):
    numbers = [start + stride * index for index in range(count)]
    column = array("q", [number for number in numbers if LOWEST <= number <= HIGHEST])
    assert unpack_integers(pack_integers(column)) == column


@given(st.lists(st.floats(width=64) | st.sampled_from([-0.0, math.nan, math.inf, -math.inf]), max_size=700))
@example([])
def test_floats_come_back_bit_for_bit(numbers):
    column = array("d", numbers)
    assert unpack_floats(pack_floats(column)).tobytes() == column.tobytes()
    assert unpack_floats(pack_raw(column)).tobytes() == column.tobytes()


@given(st.binary(max_size=8000))
def test_any_bits_of_floats_come_back(data):
    column = array("d")
    column.frombytes(data[: len(data) // 8 * 8])
    assert unpack_floats(pack_floats(column)).tobytes() == column.tobytes()


@pytest.mark.parametrize("count", [600, 8192])
def test_columns_as_training_makes_them_are_packed_small(count):
    steps = array("q", range(0, count * 10, 10))
    times = array("q", [1_700_000_000_000 + index * 13 + index % 3 for index in range(count)])
    losses = array("d", [1.0 / (1 + index // 10) for index in range(count)])
    assert len(pack_integers(steps)) < 32
    assert len(pack_integers(times)) < count
    assert len(pack_floats(losses)) < 3 * count


def test_noise_is_not_packed_larger_than_it_is():
    column = array("d")
    column.frombytes(bytes(hash((index, "noise")) % 256 for index in range(8 * 1000)))
    assert len(pack_floats(column)) <= 8 * 1000 + 1


@pytest.mark.parametrize("packed", [b"\x09" + bytes(16), b"\x01" + bytes(24)])
def test_bytes_that_are_no_column_of_floats_are_refused(packed):
    with pytest.raises(ValueError, match="cannot begin with byte"):
        unpack_floats(packed)
