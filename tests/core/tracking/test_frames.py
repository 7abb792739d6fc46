"""Whatever is framed comes back from its bytes."""

from __future__ import annotations

import struct
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st
from steno.records import (
    Batch,
    Dataset,
    DatasetInput,
    InputTag,
    ModelInput,
    ModelOutput,
    ModelStart,
    RunChange,
    RunStart,
    Series,
)
from steno.tracking import frames
from steno.tracking.frames import Child, Facts, Layout, ModelEnd, Opened, Reader, SpooledFile

INT64 = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
TEXTS = st.dictionaries(TEXT, TEXT, max_size=4)
DATASETS = st.builds(Dataset, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT)
INPUTS = st.builds(DatasetInput, DATASETS, st.tuples(st.builds(InputTag, TEXT, TEXT)) | st.just(()))
CHANGES = st.builds(RunChange, st.none() | TEXT, st.none() | INT64, st.none() | TEXT)
STARTS = st.builds(RunStart, TEXT, TEXT, INT64, TEXT, TEXTS)
FACTS = st.builds(
    Facts,
    TEXTS,
    TEXTS,
    st.lists(TEXT, max_size=3).map(tuple),
    st.lists(INPUTS, max_size=2).map(tuple),
    st.lists(st.builds(ModelOutput, TEXT, INT64), max_size=2).map(tuple),
    st.none() | CHANGES,
    st.lists(st.builds(ModelInput, TEXT), max_size=2).map(tuple),
    st.lists(st.builds(ModelStart, TEXT, TEXT, INT64, INT64, st.none() | TEXT, TEXTS, TEXTS), max_size=2).map(tuple),
)
POINTS = st.lists(st.tuples(INT64, INT64, st.floats(allow_nan=False)), max_size=4).map(tuple)
ENTRIES = st.one_of(
    st.builds(Opened, TEXT, TEXT, st.booleans(), st.none() | STARTS),
    st.builds(Layout, st.integers(0, 2**32 - 1), st.lists(TEXT, max_size=4).map(tuple)),
    FACTS,
    st.builds(Child, TEXT, STARTS, FACTS, st.dictionaries(TEXT, POINTS, max_size=3)),
    st.builds(SpooledFile, TEXT, TEXT, st.none() | st.binary(max_size=9), TEXT),
    st.builds(ModelEnd, TEXT, TEXT, st.none() | TEXT),
)


def _framed(bodies: list[bytes]) -> bytes:
    return b"".join(map(frames.framed, bodies))


@given(st.lists(ENTRIES, max_size=5))
def test_any_entries_come_back_from_their_frames(entries):
    bodies = [frames.entry_body(entry) for entry in entries]
    data = _framed(bodies) + bytes(64)
    found = [data[start:end] for start, end in frames.scan(data, 0, len(data))]
    assert found == bodies
    assert [frames._decoder.decode(body[1:]) for body in found] == entries


@given(
    st.lists(st.lists(TEXT, min_size=1, max_size=3, unique=True), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 3), INT64, INT64, st.binary(min_size=8, max_size=8)), max_size=20),
)
def test_any_rows_come_back_to_the_bit_and_in_order(layouts, rows):
    reader, expected = Reader(), {}
    bodies = [frames.entry_body(Layout(number, tuple(keys))) for number, keys in enumerate(layouts)]
    for number, step, time_ms, bits in rows:
        number %= len(layouts)
        (value,) = struct.unpack("<d", bits)  # any NaN payload, any infinity
        bodies.append(frames.row_body(number, step, time_ms, [value] * len(layouts[number])))
        for key in layouts[number]:
            expected.setdefault(key, Series(key)).append(step, time_ms, value)
    data = _framed(bodies)
    for start, end in frames.scan(data, 0, len(data)):
        reader.feed(data, start, end)
    batch, _ = reader.take()
    assert _bytes(batch.series) == _bytes(expected)


def _bytes(series: dict[str, Series]) -> dict[str, tuple[bytes, bytes, bytes]]:
    return {key: (s.steps.tobytes(), s.times.tobytes(), s.values.tobytes()) for key, s in series.items()}


@given(st.lists(FACTS, max_size=6))
def test_facts_in_one_batch_end_where_facts_one_by_one_end(facts):
    tags: dict[str, str] = {}
    batch = Batch()
    for each in facts:
        for key in each.deleted_tags:
            tags.pop(key, None)
        tags.update(each.tags)
        frames.apply_facts(batch, each)
    assert batch.tags == tags
    assert not set(batch.tags) & batch.deleted_tags
    assert batch.deleted_tags == {key for each in facts for key in each.deleted_tags} - set(tags)


@given(STARTS, FACTS, st.dictionaries(TEXT, POINTS, max_size=3))
def test_a_child_run_comes_back_whole(start, facts, points):
    batch = Batch(start=start)
    frames.apply_facts(batch, facts)
    for key, each in points.items():
        for step, time_ms, value in each:
            batch.add_metric(key, value, time_ms, step)
    reader, body = Reader(), frames.entry_body(frames.child_of("c1", batch))
    reader.feed(body, 0, len(body))
    assert reader.take()[0].children == [("c1", batch)]


def test_a_child_without_a_start_is_refused():
    with pytest.raises(ValueError, match="start"):
        frames.child_of("c1", Batch())


def test_a_failed_read_leaves_nothing_behind_for_the_next():
    reader = Reader()
    for entry in (Layout(0, ("a",)), Facts(params={"p": "1"})):
        body = frames.entry_body(entry)
        reader.feed(body, 0, len(body))
    reader.take()
    row = frames.row_body(0, 1, 2, [3.0])
    reader.feed(row, 0, len(row))
    batch, files = reader.take()
    assert (batch.params, files) == ({}, [])
    assert batch.series["a"].values == array("d", [3.0])


@given(st.integers(0, 2**32 - 1), st.integers(1, frames.MAX_FRAME))
def test_a_head_written_at_once_is_the_head_that_is_read(crc, length):
    """Two stores could be parted by a kill, and the frame would look damaged where it is only unfinished."""
    assert frames.HEAD.unpack(frames.HEAD_AT_ONCE.pack(length << 32 | crc)) == (crc, length)
