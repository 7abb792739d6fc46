"""Events as TensorBoard reads them: scalars in columns, text, and a run's hyperparameters.

Scalars are 32-bit: TensorBoard (2.21) shows none of 64 bits, and every version reads `simple_value`.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from steno.records import Series
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import DATA_CLASS_TENSOR, Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.compat.proto.types_pb2 import DT_FLOAT, DT_STRING
from tensorboard.plugins.hparams.api_pb2 import Status
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from steno_tensorboard.framing import CHUNK, Bytes, framed, framed_rows

_SUMMARY_FIELD = b"\x2a"  # field 5 of an Event, a message
_FEW = 40
"""Points for which setting up columns takes longer than the points one by one."""

_STATUS = {"FINISHED": Status.STATUS_SUCCESS, "FAILED": Status.STATUS_FAILURE, "KILLED": Status.STATUS_FAILURE}


def version_record(wall_time_s: float) -> bytes:
    """What every event file begins with."""
    return framed(Event(wall_time=wall_time_s, file_version="brain.Event:2").SerializeToString())


def scalar_records(series: Series) -> Iterator[bytes]:
    """A series as records, in pieces, in the order of its points."""
    count = len(series)
    if not count:
        return
    before = _before_the_value(series.key)
    with np.errstate(over="ignore"):  # beyond 32 bits is infinite
        values = np.frombuffer(series.values, "f8").astype("<f4")
    if count < _FEW:
        for time_ms, step, value in zip(series.times, series.steps, values, strict=True):
            head = b"\x09%b\x10%b" % (struct.pack("<d", time_ms / 1000), _varint(step))
            yield framed(b"".join((head, before, value.tobytes())))
        return
    steps, times = np.frombuffer(series.steps, "i8"), np.frombuffer(series.times, "i8")
    for start in range(0, count, CHUNK):
        part = slice(start, start + CHUNK)
        yield _records(steps[part], times[part], values[part], before)


def _records(steps: Any, times: Any, values: Any, before: bytes) -> bytes:
    """Records in the order of the points; those whose step takes the same number of bytes are made together."""
    lengths = np.array([_varint_length(int(step)) for step in steps]) if _vary(steps) else None
    if lengths is None:
        return bytes(_rows(steps, times, values, before))
    groups = [(np.flatnonzero(lengths == length)) for length in np.unique(lengths)]
    made = [_rows(steps[group], times[group], values[group], before) for group in groups]
    sizes = np.empty(len(steps), np.int64)
    for group, rows in zip(groups, made, strict=True):
        sizes[group] = rows.shape[1]
    ends = np.cumsum(sizes)
    out = np.empty(int(ends[-1]), np.uint8)
    for group, rows in zip(groups, made, strict=True):
        out[(ends - sizes)[group][:, None] + np.arange(rows.shape[1])] = rows
    return bytes(out)


def _rows(steps: Any, times: Any, values: Any, before: bytes) -> Bytes:
    """Records of points whose steps take equally many bytes."""
    count, width = len(steps), _varint_length(int(steps[0]))
    parts = [
        np.full((count, 1), 0x09, np.uint8),
        (times / 1000.0).astype("<f8").view(np.uint8).reshape(count, 8),
        np.full((count, 1), 0x10, np.uint8),
        _varints(steps, width),
        np.broadcast_to(np.frombuffer(before, np.uint8), (count, len(before))),
        np.ascontiguousarray(values).view(np.uint8).reshape(count, 4),
    ]
    return framed_rows(np.concatenate(parts, axis=1))


def _vary(steps: Any) -> bool:
    low, high = int(steps.min()), int(steps.max())
    return _varint_length(low) != _varint_length(high) or (low < 0) != (high < 0)


def _varint_length(number: int) -> int:
    return 10 if number < 0 else max(1, -(-number.bit_length() // 7))


def _varints(numbers: Any, width: int) -> Bytes:
    unsigned = np.ascontiguousarray(numbers).astype(np.int64).view(np.uint64)
    out = np.empty((len(numbers), width), np.uint8)
    for place in range(width):
        out[:, place] = (unsigned >> np.uint64(7 * place)) & np.uint64(0x7F)
    out[:, :-1] |= 0x80
    return out


def _before_the_value(tag: str) -> bytes:
    """The summary of a scalar, as far as the four bytes of its value, which come last."""
    summary: bytes = Summary(value=[Summary.Value(tag=tag, simple_value=1.0)]).SerializeToString()
    return _SUMMARY_FIELD + _varint(len(summary)) + summary[:-4]


def _varint(number: int) -> bytes:
    number &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def text_record(tag: str, text: str, step: int, time_s: float) -> bytes:
    """A text, which TensorBoard shows as Markdown."""
    metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"), data_class=DATA_CLASS_TENSOR)
    tensor = TensorProto(dtype=DT_STRING, tensor_shape=TensorShapeProto(), string_val=[text.encode("utf-8", "replace")])
    value = Summary.Value(tag=tag, tensor=tensor, metadata=metadata)
    return framed(Event(wall_time=time_s, step=step, summary=Summary(value=[value])).SerializeToString())


def session_start_record(params: Mapping[str, str], name: str, time_s: float) -> bytes:
    """The params of a run, for the HPARAMS tab."""
    data = HParamsPluginData()
    start = data.session_start_info
    start.start_time_secs, start.group_name = time_s, name
    for key, text in params.items():
        value = number_of(text)
        if isinstance(value, bool):
            start.hparams[key].bool_value = value
        elif isinstance(value, float):
            start.hparams[key].number_value = value
        else:
            start.hparams[key].string_value = text
    return _session_record("start", data, time_s)


def session_end_record(status: str, time_s: float) -> bytes:
    """How a run ended, for the HPARAMS tab."""
    data = HParamsPluginData()
    data.session_end_info.status = _STATUS.get(status, Status.STATUS_UNKNOWN)
    data.session_end_info.end_time_secs = time_s
    return _session_record("end", data, time_s)


def _session_record(which: str, data: HParamsPluginData, time_s: float) -> bytes:
    plugin_data = SummaryMetadata.PluginData(plugin_name="hparams", content=data.SerializeToString())
    metadata = SummaryMetadata(plugin_data=plugin_data, data_class=DATA_CLASS_TENSOR)
    shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)])
    tensor = TensorProto(dtype=DT_FLOAT, tensor_shape=shape, float_val=[0.0])  # there has to be one
    value = Summary.Value(tag=f"_hparams_/session_{which}_info", tensor=tensor, metadata=metadata)
    return framed(Event(wall_time=time_s, summary=Summary(value=[value])).SerializeToString())


def number_of(text: str) -> float | bool | str:
    """A param's text as the number or truth value it was made from, if it was one."""
    if text in ("True", "False"):
        return text == "True"
    try:
        value = float(text) if text.strip() == text and "_" not in text else math.nan
    except ValueError:
        return text
    return value if math.isfinite(value) else text
