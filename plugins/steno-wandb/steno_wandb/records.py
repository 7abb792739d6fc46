"""The records of an offline run, under the field numbers of `wandb_internal.proto`."""

from __future__ import annotations

import json
import math
import platform
import time
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from msgspec import Struct

from steno_wandb import wire

STEP = "steno/step"
"""The key of the true step in each row: `_step` has to grow by one, and steps of a training may do as they please."""

_HISTORY, _SUMMARY, _CONFIG, _METRIC, _RUN, _EXIT, _HEADER, _INFO, _NUM = 2, 3, 5, 12, 17, 18, 21, 200, 1
_KEY, _NESTED, _JSON = 1, 2, 16
_TAKEN = ("_step", "_timestamp", "_runtime", "_wandb", STEP)
_EXIT_CODES = {"FINISHED": 0, "FAILED": 1}
_KILLED = 255
_LENGTHS = [bytes((length,)) for length in range(128)]
_encode = json.JSONEncoder(ensure_ascii=False).encode


class Head(Struct, frozen=True):
    """What a run is called, and what it belongs to."""

    run_id: str
    name: str
    project: str
    entity: str
    start_time_ms: int
    group: str = ""
    notes: str = ""


def numbered(number: int, run_id: str, content: bytes) -> bytes:
    """A whole record."""
    return wire.number(_NUM, number) + content + _info(run_id)


@lru_cache(256)
def _info(run_id: str) -> bytes:
    return wire.message(_INFO, wire.text(1, run_id))


def header() -> bytes:
    """What the file begins with."""
    version = wire.text(1, "steno-wandb") + wire.text(2, "0.70.0")  # the oldest reader, in wandb's own counting
    return wire.message(_HEADER, wire.message(1, version))


def run(head: Head, config: Mapping[str, str], tags: Mapping[str, str], *, starting_step: int, resumed: bool) -> bytes:
    """The run itself, with the params and tags that are known.

    Args:
        starting_step: The number of the first row.
        resumed: The run has files already. `wandb sync` takes them in the order of their start times.
    """
    begun_ms = time.time_ns() // 1_000_000 if resumed else head.start_time_ms
    return wire.message(
        _RUN,
        b"".join(
            (
                wire.text(1, head.run_id),
                wire.text(2, head.entity),
                wire.text(3, head.project),
                wire.message(4, _config(config, tags)),
                wire.text(6, head.group),
                wire.text(8, head.name),
                wire.text(9, head.notes),
                wire.text(13, platform.node()),
                wire.number(14, starting_step),
                wire.timestamp(17, begun_ms),
                wire.number(18, resumed),
                wire.number(20, max(0, begun_ms - head.start_time_ms) // 1000),
            )
        ),
    )


def config(params: Mapping[str, str], tags: Mapping[str, str]) -> bytes:
    """More params and tags."""
    return wire.message(_CONFIG, _config(params, tags))


def _config(params: Mapping[str, str], tags: Mapping[str, str]) -> bytes:
    items = [wire.text(_KEY, key) + wire.text(_JSON, json_of(value)) for key, value in params.items()]
    for key, value in tags.items():
        path = b"".join(wire.text(_NESTED, name) for name in ("steno", "tags", key))
        items.append(path + wire.text(_JSON, _encode(value)))
    return b"".join(wire.message(1, item) for item in items)


def metric(key: str) -> bytes:
    """Say of a series that its axis is the true step."""
    axis = wire.text(4, STEP) if key != STEP else b""
    options = wire.number(1, key != STEP) + wire.number(3, True)
    return wire.message(_METRIC, wire.text(1, key if key == STEP else shown(key)) + axis + wire.message(6, options))


def history(number: int, step: int, time_ms: int, start_time_ms: int, values: Mapping[str, float]) -> bytes:
    """One row."""
    cells = [
        _cell("_step", str(number)),
        _cell("_timestamp", repr(time_ms / 1000)),
        _cell("_runtime", repr((time_ms - start_time_ms) / 1000)),
        _cell(STEP, str(step)),
    ]
    for key, value in values.items():
        cells.append(_cell(shown(key), repr(value) if value - value == 0 else _odd(value)))
    cells.append(wire.message(2, wire.number(1, number)))
    return wire.message(_HISTORY, b"".join(cells))


@lru_cache(4096)
def _cell_begins(key: str) -> bytes:
    return wire.text(_KEY, key) + wire.varint(_JSON << 3 | 2)


def _cell(key: str, text: str) -> bytes:
    """An item of a row: `_item`, for what is done for every point."""
    begins = _cell_begins(key)
    length = len(begins) + 1 + len(text)  # the text of a number is shorter than 128 bytes
    return b"\x0a%b%b%c%b" % (
        _LENGTHS[length] if length < 128 else wire.varint(length),
        begins,
        len(text),
        text.encode(),
    )


def summary(values: Mapping[str, float], number: int, step: int, time_ms: int, start_time_ms: int) -> bytes:
    """The last value of each series."""
    runtime_s = (time_ms - start_time_ms) / 1000
    items = [_item(shown(key), _number(value)) for key, value in values.items()]
    items += [_item("_step", str(number)), _item(STEP, str(step)), _item("_timestamp", repr(time_ms / 1000))]
    items += [_item("_runtime", repr(runtime_s)), _nested(("_wandb", "runtime"), str(int(runtime_s)))]
    return wire.message(_SUMMARY, b"".join(items))


def exit_record(status: str, runtime_ms: int) -> bytes:
    """How the run ended."""
    code = wire.number(1, _EXIT_CODES.get(status, _KILLED))
    return wire.message(_EXIT, code + wire.number(2, max(0, runtime_ms) // 1000))


def shown(key: str) -> str:
    """The key of a series as rows have it: those that are taken get a prefix."""
    return f"metric/{key}" if key[0] in "_s" and key in _TAKEN else key


def original(key: str) -> str:
    """The key that `shown` was given."""
    return key[7:] if key.startswith("metric/") and key[7:] in _TAKEN else key


def _item(key: str, text: str) -> bytes:
    return wire.message(1, wire.text(_KEY, key) + wire.text(_JSON, text))


def _nested(path: Iterable[str], text: str) -> bytes:
    return wire.message(1, b"".join(wire.text(_NESTED, name) for name in path) + wire.text(_JSON, text))


def _number(value: float) -> str:
    return repr(value) if math.isfinite(value) else _odd(value)


def _odd(value: float) -> str:
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def json_of(text: str) -> str:
    """A param's text as JSON: as the number or truth value it was made from, if it was one."""
    if text in ("True", "False"):
        return text.lower()
    try:
        value: Any = json.loads(text) if text.strip() == text else text
    except ValueError:
        value = text
    plain = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return text if plain else _encode(text)


def is_history(record: bytes) -> bool:
    """Whether a record that `numbered` made is a row of the history."""
    at = 1
    while record[0] == _NUM << 3 and record[at] & 0x80:
        at += 1
    return record[at + 1 : at + 2] == wire.message(_HISTORY, b"")[:1]
