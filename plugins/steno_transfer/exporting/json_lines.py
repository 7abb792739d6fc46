"""Tables as JSON lines: one object a line, UTF-8. NaN and the infinities, which JSON lacks, are texts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
from steno.cli.formats import plain
from steno.records import Series

from steno_transfer.exporting.rows import METRICS, Row

_BUFFER = 1 << 20
_encoder = msgspec.json.Encoder()


class Point(msgspec.Struct):
    """A row of `metrics`."""

    run_id: str
    key: str
    step: int
    timestamp: int
    value: float | str


class JsonLines:
    """One part of each table that has a row; nothing of it is kept in memory."""

    suffix = "jsonl"

    def __init__(self, folder: Path, part: str) -> None:
        self._folder, self._part = folder, part
        self._files: dict[str, BinaryIO] = {}

    def add(self, table: str, row: Row) -> None:
        """Write a row."""
        self._file(table).write(_encoder.encode(plain(row)) + b"\n")

    def add_points(self, run_id: str, series: Series) -> None:
        """Write points."""
        columns = zip(series.steps, series.times, series.values, strict=True)
        points = [
            Point(run_id, series.key, step, time_ms, value if value - value == 0 else plain(value))
            for step, time_ms, value in columns
        ]
        self._file(METRICS).write(_encoder.encode_lines(points))

    def close(self) -> None:
        """Finish the files."""
        for file in self._files.values():
            file.close()

    def _file(self, table: str) -> BinaryIO:
        file = self._files.get(table)
        if file is None:
            path = self._folder / table / f"{self._part}.{self.suffix}"
            path.parent.mkdir(exist_ok=True)
            file = self._files[table] = path.open("wb", _BUFFER)
        return file


def read_rows(path: Path) -> Iterator[Row]:
    """Yield the rows of a table other than `metrics`. Raises: OSError, msgspec.MsgspecError."""
    with path.open("rb") as file:
        for line in file:
            yield msgspec.json.decode(line)


def read_points(path: Path) -> Iterator[Point]:
    """Yield the rows of `metrics`, a piece of the file at a time. Raises: OSError, msgspec.MsgspecError."""
    decoder = msgspec.json.Decoder(Point)
    with path.open("rb") as file:
        while piece := file.read(_BUFFER):
            yield from decoder.decode_lines(piece + file.readline())
