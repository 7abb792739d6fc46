"""A batch whole, with its token, as one message: what steno's own client sends to steno's server.

MLflow's wire has no word for it. The numbers of a series travel as columns of eight bytes each, lowest byte first.
"""

from __future__ import annotations

import sys
from array import array
from typing import Any

import msgspec
from msgspec import Struct, field

from steno.errors import InvalidValue
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
    Token,
)
from steno.wire.messages import Message

WRITE = "/api/steno/v1/runs/write"
MOST_LEVELS = 20


class Columns(Struct, frozen=True):
    """A series without its key: int64, int64 and float64, of equal length."""

    steps: bytes
    times: bytes
    values: bytes


class Packed(Struct, omit_defaults=True):
    """A `Batch` as it travels; its fields are those of the batch."""

    start: RunStart | None = None
    change: RunChange | None = None
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    deleted_tags: set[str] = field(default_factory=set)
    series: dict[str, Columns] = field(default_factory=dict)
    inputs: list[DatasetInput] = field(default_factory=list)
    model_inputs: list[ModelInput] = field(default_factory=list)
    outputs: list[ModelOutput] = field(default_factory=list)
    models: list[ModelStart] = field(default_factory=list)
    model_points: list[Metric] = field(default_factory=list)
    children: list[tuple[str, Packed]] = field(default_factory=list)


class Write(Struct, omit_defaults=True):
    """One write of one run."""

    run_id: str
    batch: Packed
    token: Token | None = None


class Written(Message, kw_only=True):
    """The answer: with `stale_at`, where the store stands of a token that overlaps it, and nothing was written."""

    stale_at: int | None = None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Write)


def encode(run_id: str, batch: Batch, token: Token | None) -> bytes:
    """Return the message."""
    return _encoder.encode(Write(run_id, _packed(batch), token))


def decode(content: bytes) -> tuple[str, Batch, Token | None]:
    """Read the message. Raises: InvalidValue for what is none."""
    try:
        write = _decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidValue(f"this is no batch: {error}") from error
    return write.run_id, _unpacked(write.batch, MOST_LEVELS), write.token


def _packed(batch: Batch) -> Packed:
    found: dict[str, Any] = {name: getattr(batch, name) for name in batch.__struct_fields__}
    found["series"] = {key: _columns(series) for key, series in batch.series.items()}
    found["children"] = [(run_id, _packed(child)) for run_id, child in batch.children]
    return Packed(**found)


def _unpacked(packed: Packed, levels: int) -> Batch:
    if levels == 0:
        raise InvalidValue(f"a batch has children of children, at most {MOST_LEVELS} levels deep")
    found: dict[str, Any] = {name: getattr(packed, name) for name in packed.__struct_fields__}
    found["series"] = {key: _series(key, columns) for key, columns in packed.series.items()}
    found["children"] = [(run_id, _unpacked(child, levels - 1)) for run_id, child in packed.children]
    return Batch(**found)


def _columns(series: Series) -> Columns:
    return Columns(_little(series.steps), _little(series.times), _little(series.values))


def _series(key: str, columns: Columns) -> Series:
    lengths = {len(columns.steps), len(columns.times), len(columns.values)}
    if len(lengths) > 1 or lengths.pop() % 8:
        raise InvalidValue(f"the columns of metric {key!r} are not of one length in numbers of eight bytes")
    found = Series(key)
    for column, content in ((found.steps, columns.steps), (found.times, columns.times), (found.values, columns.values)):
        column.frombytes(content)
        if sys.byteorder == "big":
            column.byteswap()
    return found


def _little(column: array[Any]) -> bytes:
    if sys.byteorder == "big":
        column = column[:]
        column.byteswap()
    return column.tobytes()
