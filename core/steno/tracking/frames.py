"""The journal's frames: how one fact is laid out in bytes, and how bytes become a batch again.

    frame   = crc32 (u32 of the body) · length (u32) · body
    body    = b"\\x01" · 3 pad · layout (u32) · step (i64) · time_ms (i64) · one f64 per key of the layout
            | b"\\x02" · msgpack of one of the entries below
            | b"\\x03" · 3 pad · count (u32) · columns of so many layouts (u32, of one key each; padded to 8 bytes),
              steps (i64), times_ms (i64), values (f64)

A frame is committed by its head, written last and in one store of 8 bytes: a kill leaves it whole or zero.
A layout is the tuple of keys that are logged together, announced once by an entry, so that a step of ten
metrics costs 32 + 8 x 10 bytes; many points that are gathered first cost 28 bytes each, as columns. All little-endian.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator
from itertools import compress
from typing import Any
from zlib import crc32

import msgspec
from msgspec import Struct

from steno.records import (
    Batch,
    DatasetInput,
    Metric,
    ModelInput,
    ModelOutput,
    ModelStart,
    RunChange,
    RunStart,
    Series,
)

HEAD = struct.Struct("<II")
HEAD_AT_ONCE = struct.Struct("<Q")  # the same bytes, `length << 32 | crc32`, and one instruction
ROW_HEAD = struct.Struct("<BxxxIqq")
POINT = struct.Struct("<BxxxIqqd")
COLUMNS_HEAD = struct.Struct("<BxxxI")
ROW, ENTRY, COLUMNS = 1, 2, 3
MAX_FRAME = 64 << 20  # longer than any honest frame: a length above it is damage


class Opened(Struct, frozen=True, tag="open"):
    """The first entry of each segment: whose journal this is. `start` creates the run, once."""

    run_id: str
    store_uri: str
    owns_run: bool
    start: RunStart | None = None


class Layout(Struct, frozen=True, tag="layout"):
    """The keys of the rows that name this layout."""

    number: int
    keys: tuple[str, ...]


class Facts(Struct, frozen=True, tag="facts", omit_defaults=True):
    """Anything but metrics, save those of logged models, which are the run's too."""

    params: dict[str, str] = {}
    tags: dict[str, str] = {}
    deleted_tags: tuple[str, ...] = ()
    inputs: tuple[DatasetInput, ...] = ()
    outputs: tuple[ModelOutput, ...] = ()
    change: RunChange | None = None
    model_inputs: tuple[ModelInput, ...] = ()
    models: tuple[ModelStart, ...] = ()
    model_points: tuple[Metric, ...] = ()


class Child(Struct, frozen=True, tag="child"):
    """A whole run of its own. `series` maps a key to its points (step, time_ms, value)."""

    run_id: str
    start: RunStart
    facts: Facts
    series: dict[str, tuple[tuple[int, int, float], ...]]


class SpooledFile(Struct, frozen=True, tag="file", omit_defaults=True):
    """An artifact that waits in the spool folder beside the journal; a small one in the journal itself.

    With `model_id` it is a file of that logged model, and its key is below the model's own place.
    """

    key: str
    spooled: str
    content: bytes | None = None
    model_id: str = ""


class ModelEnd(Struct, frozen=True, tag="model", omit_defaults=True):
    """A logged model has all its files, or will never have them: it gets its status once they are in their store."""

    model_id: str
    status: str
    message: str | None = None


Entry = Opened | Layout | Facts | Child | SpooledFile | ModelEnd
Delivery = SpooledFile | ModelEnd
"""What is done after the batch that it came with was written, in its order."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Entry)
_values: dict[int, struct.Struct] = {}


def entry_body(entry: Entry) -> bytes:
    """The body of an entry's frame."""
    return b"\x02" + _encoder.encode(entry)


def framed(body: bytes) -> bytes:
    """A body with its head."""
    return HEAD.pack(crc32(body), len(body)) + body


def row_body(layout: int, step: int, time_ms: int, values: list[float]) -> bytes:
    """The body of a row's frame."""
    return ROW_HEAD.pack(ROW, layout, step, time_ms) + values_struct(len(values)).pack(*values)


def columns_body(
    layouts: Iterable[int], steps: Iterable[int], times_ms: Iterable[int], values: Iterable[float]
) -> bytes:
    """The body of a frame of many points, each of a layout of one key."""
    first, *others = (
        _packed(code, column) for code, column in zip("Iqqd", (layouts, steps, times_ms, values), strict=True)
    )
    return b"".join((COLUMNS_HEAD.pack(COLUMNS, len(first) // 4), first, b"\0" * (len(first) % 8), *others))


def _packed(code: str, column: Iterable[Any]) -> bytes:
    return _little(array(code, column)).tobytes()


def _little(column: array[Any]) -> array[Any]:
    if sys.byteorder == "big":
        column.byteswap()
    return column


def _columns(buffer: bytes | bytearray | memoryview, body: int) -> list[array[Any]]:
    """Read what `columns_body` wrote. Raises: struct.error, ValueError where it is damaged."""
    _, count = COLUMNS_HEAD.unpack_from(buffer, body)
    at, columns = body + COLUMNS_HEAD.size, []
    for code in "Iqqd":
        column = array(code)
        column.frombytes(bytes(buffer[at : at + count * column.itemsize]))
        if len(column) != count:
            raise ValueError("columns of unequal length")
        at += -(-count * column.itemsize // 8) * 8
        columns.append(_little(column))
    return columns


def values_struct(count: int) -> struct.Struct:
    """The packed form of `count` doubles."""
    found = _values.get(count)
    if found is None:
        found = _values[count] = struct.Struct(f"<{count}d")
    return found


def child_of(run_id: str, batch: Batch) -> Child:
    """A batch that holds a whole run, as an entry."""
    if batch.start is None:
        raise ValueError("a child run needs a start")
    series = {key: tuple(zip(s.steps, s.times, s.values, strict=True)) for key, s in batch.series.items()}
    facts = Facts(
        params=batch.params,
        tags=batch.tags,
        deleted_tags=tuple(batch.deleted_tags),
        inputs=tuple(batch.inputs),
        outputs=tuple(batch.outputs),
        model_inputs=tuple(batch.model_inputs),
        models=tuple(batch.models),
        change=batch.change,
    )
    return Child(run_id, batch.start, facts, series)


def scan(buffer: bytes | bytearray | memoryview, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of the body of each whole frame in `[start, end)`; stops at the first that is not."""
    at = start
    while at + HEAD.size <= end:
        crc, length = HEAD.unpack_from(buffer, at)
        body = at + HEAD.size
        if length == 0 or length > MAX_FRAME or body + length > end:
            return
        if crc32(buffer[body : body + length]) != crc:
            return
        yield body, body + length
        at = body + length


class Reader:
    """Turns frames into batches; remembers the layouts it has met.

    Attributes:
        batch: What has been read since the last `take`.
        files: Artifacts met since the last `take`, and models that have them all.
    """

    def __init__(self, on_open: Callable[[Opened], None] | None = None) -> None:
        self.layouts: dict[int, tuple[str, ...]] = {}
        self.batch = Batch()
        self.files: list[Delivery] = []
        self.opened: Opened | None = None
        self._columns: dict[int, list[Series]] = {}

    def take(self) -> tuple[Batch, list[Delivery]]:
        """Return what was read and begin anew."""
        batch, files = self.batch, self.files
        self.batch, self.files, self._columns = Batch(), [], {}
        return batch, files

    def feed(self, buffer: bytes | bytearray | memoryview, body: int, end: int) -> None:
        """Read one body. Raises: msgspec.DecodeError, KeyError or struct.error where its content is damaged."""
        kind = buffer[body]
        if kind == ROW:
            self._row(buffer, body, end)
        elif kind == COLUMNS:
            self._points(buffer, body)
        else:
            self._entry(_decoder.decode(bytes(buffer[body + 1 : end])))

    def _row(self, buffer: bytes | bytearray | memoryview, body: int, end: int) -> None:
        _, layout, step, time_ms = ROW_HEAD.unpack_from(buffer, body)
        columns = self._columns.get(layout)
        if columns is None:
            columns = self._columns[layout] = [self._series(key) for key in self.layouts[layout]]
        values = values_struct((end - body - ROW_HEAD.size) // 8).unpack_from(buffer, body + ROW_HEAD.size)
        for series, value in zip(columns, values, strict=True):
            series.steps.append(step)
            series.times.append(time_ms)
            series.values.append(value)

    def _points(self, buffer: bytes | bytearray | memoryview, body: int) -> None:
        layouts, *columns = _columns(buffer, body)
        for layout in dict.fromkeys(layouts):
            series = self._series(self.layouts[layout][0])
            mine = [each == layout for each in layouts]
            into: tuple[array[Any], ...] = series.steps, series.times, series.values
            for mine_of, column in zip(into, columns, strict=True):
                mine_of.extend(column if all(mine) else array(column.typecode, compress(column, mine)))

    def _series(self, key: str) -> Series:
        series = self.batch.series.get(key)
        if series is None:
            series = self.batch.series[key] = Series(key)
        return series

    def _entry(self, entry: Entry) -> None:
        match entry:
            case Layout():
                self.layouts[entry.number] = entry.keys
            case Facts():
                apply_facts(self.batch, entry)
            case Opened():
                self.opened = entry
                self.batch.start = self.batch.start or entry.start
            case Child():
                self.batch.children.append((entry.run_id, _child_batch(entry)))
            case SpooledFile() | ModelEnd():
                self.files.append(entry)


def apply_facts(batch: Batch, facts: Facts) -> None:
    """Add facts to a batch, in the order they were recorded: a later tag or status wins."""
    batch.params.update(facts.params)
    for key in facts.deleted_tags:
        batch.tags.pop(key, None)
        batch.deleted_tags.add(key)
    batch.tags.update(facts.tags)
    batch.deleted_tags.difference_update(facts.tags)
    batch.inputs.extend(facts.inputs)
    batch.outputs.extend(facts.outputs)
    batch.model_inputs.extend(facts.model_inputs)
    batch.models.extend(facts.models)
    for point in facts.model_points:
        batch.add_metric(point.key, point.value, point.timestamp, point.step)
        batch.model_points.append(point)
    if facts.change is not None:
        old, new = batch.change or RunChange(), facts.change
        batch.change = RunChange(
            new.status if new.status is not None else old.status,
            new.end_time if new.end_time is not None else old.end_time,
            new.run_name if new.run_name is not None else old.run_name,
        )


def _child_batch(child: Child) -> Batch:
    batch = Batch(start=child.start)
    apply_facts(batch, child.facts)
    for key, points in child.series.items():
        for step, time_ms, value in points:
            batch.add_metric(key, value, time_ms, step)
    return batch
