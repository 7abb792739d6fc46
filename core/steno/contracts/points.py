"""Points of many series as an importer finds them, kept in bounded memory until they are asked for."""

from __future__ import annotations

import tempfile
import weakref
from array import array
from collections.abc import Iterator
from typing import IO

from steno.records import Series

POINTS_IN_MEMORY = 1 << 18
_ROW_BYTES = 24


class Points:
    """Takes points one by one in any order of keys, gives them back as stretches, those of a key in the order taken.

    Beyond a number of points they go to a temporary file that has no name, and that vanishes with this object.

    Attributes:
        last: The last point of each series: step, time, value.
    """

    def __init__(self, most_in_memory: int = POINTS_IN_MEMORY) -> None:
        self.last: dict[str, tuple[int, int, float]] = {}
        self._most, self._count = most_in_memory, 0
        self._open: dict[str, Series] = {}
        self._file: IO[bytes] | None = None
        self._written: list[tuple[str, int]] = []

    def add(self, key: str, step: int, time_ms: int, value: float) -> None:
        """Take one point. Raises: OSError where it has to go to the file and cannot, OverflowError beyond 64 bits."""
        series = self._open.get(key)
        if series is None:
            series = self._open[key] = Series(key)
        point = array("q", (step, time_ms))  # whole or not at all: a column must not grow alone
        series.steps.append(point[0])
        series.times.append(point[1])
        series.values.append(value)
        self.last[key] = step, time_ms, value
        self._count += 1
        if self._count >= self._most:
            self._write_out()

    def _write_out(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="steno-points-")  # noqa: SIM115
            weakref.finalize(self, self._file.close)
        for series in self._open.values():
            for column in (series.steps, series.times, series.values):
                self._file.write(column.tobytes())
            self._written.append((series.key, len(series)))
        self._open, self._count = {}, 0

    def __iter__(self) -> Iterator[Series]:
        """Yield the stretches; nothing may be added meanwhile."""
        if self._file is not None:
            self._file.seek(0)
            for key, count in self._written:
                content = memoryview(self._file.read(count * _ROW_BYTES)).cast("B")
                part = count * 8
                series = Series(key)
                series.steps.frombytes(content[:part])
                series.times.frombytes(content[part : 2 * part])
                series.values.frombytes(content[2 * part :])
                yield series
            self._file.seek(0, 2)
        yield from self._open.values()
