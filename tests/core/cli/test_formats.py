"""Values as people read them."""

from __future__ import annotations

import pytest
from steno.cli import formats


@pytest.mark.parametrize(
    ("length_ms", "text"),
    [
        (None, ""),
        (0, "0s"),
        (5, "0.005s"),
        (1234, "1.23s"),
        (9_994, "9.99s"),
        (9_999, "10s"),
        (59_400, "59s"),
        (59_999, "1m 00s"),
        (60_000, "1m 00s"),
        (65_000, "1m 05s"),
        (3_600_000, "1h 00m"),
        (90_000_000, "1d 1h"),
    ],
)
def test_a_length_of_time_has_two_units(length_ms, text):
    assert formats.duration(length_ms) == text


@pytest.mark.parametrize(
    ("size_bytes", "text"), [(None, ""), (0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 << 40, "5.0 TiB")]
)
def test_a_size_has_a_binary_unit(size_bytes, text):
    assert formats.size(size_bytes) == text


@pytest.mark.parametrize(
    ("text", "age_ms"),
    [("30d", 2_592_000_000), ("1d12h", 129_600_000), ("1.5h", 5_400_000), ("0s", 0), ("2m", 120_000)],
)
def test_an_age_is_read(text, age_ms):
    assert formats.Age().convert(text, None, None) == age_ms


def test_a_time_for_programs_is_utc():
    assert formats.iso_time(1_700_000_000_123) == "2023-11-14T22:13:20.123+00:00"
    assert formats.iso_time(None) == ""
