"""What the training thread writes to: an append to mapped memory, which survives the death of the process.

One journal per run and writing process, in segments. A frame is committed by its head, written last and
at once, so that a kill at any moment leaves whole frames and at most a body without its head behind them.
"""

from __future__ import annotations

import itertools
import logging
import mmap
import os
import threading
import time
from collections.abc import Sequence
from itertools import repeat
from pathlib import Path
from zlib import crc32

from steno.records import Batch, Series
from steno.tracking import frames
from steno.tracking.frames import HEAD, POINT, ROW, Delivery, Entry, Layout, Opened, Reader
from steno.tracking.segment import HEADER_SIZE, Header, Segment, pid_started

logger = logging.getLogger("steno.journal")

FIRST_SIZE = 64 << 10
BATCH_BYTES = 2 << 20
MOST_POINTS = 1024  # in one frame: a segment has room for some
RESERVE = 1 << 20
_POINT_FRAME = HEAD.size + POINT.size
_POINT_LENGTH = POINT.size << 32

_head_into = frames.HEAD_AT_ONCE.pack_into
_pack_point = POINT.pack


def new_id() -> str:
    """A time-ordered id, 32 hex characters (UUID version 7)."""
    time_ms = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    high, low = random >> 68, random & ((1 << 62) - 1)
    return f"{(time_ms << 80) | (7 << 76) | (high & 0xFFF) << 64 | (2 << 62) | low:032x}"


class Journal:
    """The journal of one run in this process.

    Appends may come from any thread and from signal handlers; none waits for anything but another append.
    Where no file can be made, segments live in memory, up to `memory_limit` bytes; then points are dropped
    and counted in `dropped`.

    Attributes:
        committed: Offset behind the last frame.
        acked: Offset up to which the store has everything.
    """

    def __init__(self, folder: Path, opened: Opened, *, memory_limit: int = 64 << 20) -> None:
        self.folder = folder
        self.run_id = opened.run_id
        self.writer_id = new_id()
        self.committed = 0
        self.acked = 0
        self.dropped = 0
        self.in_memory = False
        self._opened = opened
        self._owner = os.getpid(), pid_started(os.getpid())
        self._memory_limit = memory_limit
        self._layouts: dict[str | tuple[str, ...], int] = {}
        self._numbers = itertools.count()
        self._announced = bytearray()
        # Re-entrant, because a signal handler or a finalizer may log while this thread is inside an append.
        self._lock = threading.RLock()
        self._segments: list[Segment] = []
        self._reader = Reader()
        self._indexes = itertools.count()  # one for each try: a signal handler may make a segment in the midst of one
        self._buffer: mmap.mmap | bytearray = bytearray()
        self._at = self._limit = 0
        self._roll(0)

    # -- appending ---------------------------------------------------------------------------------------

    def append_point(self, key: str, step: int, time_ms: int, value: float) -> None:
        """Append one point. `key` has been checked, `step` and `time_ms` fit 64 bits."""
        layout = self._layouts.get(key)
        if layout is None:
            layout = self._layout(key)
            if layout < 0:
                return
        body = _pack_point(ROW, layout, step, time_ms, value)
        crc = crc32(body)
        with self._lock:
            at = self._at
            end = at + _POINT_FRAME
            if end > self._limit:
                self._append(body)
                return
            # A signal handler can only come in after a call: so none until the frame is whole.
            buffer = self._buffer
            buffer[at + 8 : end] = body
            self._at = end
            self.committed += _POINT_FRAME
            _head_into(buffer, at, _POINT_LENGTH | crc)

    def append_row(self, keys: tuple[str, ...], step: int, time_ms: int, values: list[float]) -> None:
        """Append one point for each of `keys`, all at the same step and time."""
        layout = self._layouts.get(keys)
        if layout is None:
            layout = self._layout(keys)
        if layout < 0 or not self._append(frames.row_body(layout, step, time_ms, values)):
            self.dropped += len(keys) - 1

    def append_points(self, points: Sequence[tuple[str, int, int, float]]) -> None:
        """Append many points in one frame: (key, step, time_ms, value), as `append_point` takes them."""
        for begin in range(0, len(points), MOST_POINTS):
            some = points[begin : begin + MOST_POINTS]
            keys, *columns = zip(*some, strict=True)
            numbers = {key: self._layouts.get(key, -1) for key in set(keys)}
            for key, number in numbers.items():
                if number < 0:
                    numbers[key] = self._layout(key)
            if min(numbers.values()) < 0 or not self._append(
                frames.columns_body([numbers[key] for key in keys], *columns)
            ):
                self.dropped += len(some) - 1

    def append_series(self, series: Series) -> None:
        """Append a stretch of one metric, in few frames."""
        key = series.key
        layout = self._layouts.get(key, -1)
        if layout < 0:
            layout = self._layout(key)
        for begin in range(0, len(series), MOST_POINTS):
            some = slice(begin, begin + MOST_POINTS)
            columns = series.steps[some], series.times[some], series.values[some]
            count = len(columns[0])
            if layout < 0 or not self._append(frames.columns_body(repeat(layout, count), *columns)):
                self.dropped += count - 1

    def append(self, entry: Entry) -> None:
        """Append anything but metrics; memory that is full of points still has room for it."""
        self._append(frames.entry_body(entry), RESERVE)

    def _layout(self, keys: str | tuple[str, ...]) -> int:
        """Announce a layout and return its number, -1 if there is no room for it."""
        with self._lock:
            number = self._layouts.get(keys)
            if number is None:
                number = next(self._numbers)
                body = frames.entry_body(Layout(number, (keys,) if isinstance(keys, str) else keys))
                if not self._append(body):
                    return -1
                self._announced += frames.framed(body)
                self._layouts[keys] = number
            return number

    def _append(self, body: bytes, reserve: int = 0) -> bool:
        size, crc = len(body), crc32(body)
        length = HEAD.size + size
        with self._lock:
            while self._at + length > self._limit:
                if not self._roll(length, reserve):
                    self.dropped += 1
                    return False
            # No call until the frame is whole, as in append_point.
            at, buffer = self._at, self._buffer
            self._at = at + length
            buffer[at + 8 : at + length] = body
            self.committed += length
            _head_into(buffer, at, size << 32 | crc)
            return True

    # -- segments ----------------------------------------------------------------------------------------

    def _roll(self, length: int, reserve: int = 0) -> bool:
        """Go on in a new segment with room for `length` bytes; False if there is no room anywhere."""
        opened = self._opened
        if self._segments:
            opened = Opened(opened.run_id, opened.store_uri, opened.owns_run)
        # Every segment can be read when those before it are gone.
        heading = frames.framed(frames.entry_body(opened)) + self._announced
        at = HEADER_SIZE + len(heading)
        segment = self._new_segment(-(-(at + length) // 4096) * 4096, reserve)
        if segment is None:
            return False
        segment.buffer[HEADER_SIZE:at] = heading
        if segment.base != self.committed:
            segment.close(remove=True)  # a signal handler has logged meanwhile: the caller tries again
            return True
        # All or nothing, also when a handler raises: no call from the comparison to the end.
        if self._segments:
            self._segments[-1].used = self._at
        self._segments = [*self._segments, segment]
        self._buffer, self._at, self._limit = segment.buffer, at, segment.size
        self.committed += at - HEADER_SIZE
        return True

    def _new_segment(self, needed: int, reserve: int) -> Segment | None:
        index = next(self._indexes)
        size = max(FIRST_SIZE << 2 * min(index, 3), needed)
        if not self.in_memory:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                return Segment.create(self.folder, self._header(index, size))
            except OSError as error:
                self.in_memory = True
                logger.warning(
                    "no journal can be written in %s (%s): what is logged is held in memory, up to %d MB, and would be "
                    "lost with the process. Free some space, or set STENO_JOURNAL_DIR to a folder that can be written.",
                    self.folder,
                    error,
                    self._memory_limit >> 20,
                )
        room = self._memory_limit - sum(s.size for s in self._segments if s.path is None)
        if room + reserve < needed:
            if not self.dropped:
                logger.warning("run %s: the memory for unwritten points is full; further points are lost", self.run_id)
            return None
        return Segment.in_memory(self.committed, max(needed, min(size, room)))

    def _header(self, index: int, size: int) -> Header:
        return Header(self.run_id, self.writer_id, index, self.committed, size, self.acked, *self._owner, time.time())

    # -- reading, by the writer thread ---------------------------------------------------------------------

    def pending(self) -> bool:
        """Whether the store lacks something."""
        return self.committed > self.acked

    def read(self) -> tuple[Batch, list[Delivery], int]:
        """Return what follows `acked`, bounded in size, with the offset behind it.

        For one thread at a time. Repeating it before `acknowledge` returns the same stretch again.
        """
        self._reader.take()  # whatever a failed read left behind
        at, end = self.acked, min(self.committed, self.acked + BATCH_BYTES)
        for segment in list(self._segments):
            last = segment.end if segment is not self._segments[-1] else self.committed
            if last <= at:
                continue
            at = self._read_segment(segment, at, min(end, last))
            if at >= end:
                break
        batch, files = self._reader.take()
        return batch, files, at

    def _read_segment(self, segment: Segment, at: int, end: int) -> int:
        shift = HEADER_SIZE - segment.base
        with memoryview(segment.buffer) as view:
            for body, stop in frames.scan(view, at + shift, segment.size):
                self._reader.feed(view, body, stop)
                at = stop - shift
                if at >= end:
                    break
        return at

    def acknowledge(self, offset: int) -> None:
        """The store has everything up to `offset`: remember it, and let whole segments go."""
        with self._lock:
            self.acked = max(self.acked, offset)
            current = self._segments[-1]
            for segment in self._segments[:-1]:
                if segment.end <= self.acked:
                    segment.close(remove=True)
            self._segments = [s for s in self._segments[:-1] if s.end > self.acked] + [current]
            for segment in self._segments:
                if segment.path is not None:
                    segment.acknowledge(self.acked)

    def beat(self) -> None:
        """Note in the file that the owner is alive."""
        with self._lock:
            if self._segments and self._segments[-1].path is not None:
                self._segments[-1].beat()

    def close(self, *, remove: bool) -> None:
        """Give up the files; with `remove` they go, else they wait for recovery. An append opens it again."""
        with self._lock:
            self._let_go(remove=remove and not self.pending())  # another thread may have logged just now

    def disown(self) -> None:
        """In a forked child: let go of the parent's files, whose locks the child would otherwise keep held."""
        self._lock = threading.RLock()  # the parent's may have been held by a thread that does not exist here
        self._let_go(remove=False)

    def _let_go(self, *, remove: bool) -> None:
        for segment in self._segments:
            segment.close(remove=remove)
        self._buffer, self._at, self._limit = bytearray(), 0, 0
        self._segments = []


class Silence:
    """Takes what a journal takes and keeps nothing: for ranks above 0."""

    dropped = 0

    def append_point(self, key: str, step: int, time_ms: int, value: float) -> None:
        """Keep nothing."""

    def append_row(self, keys: tuple[str, ...], step: int, time_ms: int, values: list[float]) -> None:
        """Keep nothing."""

    def append_points(self, points: Sequence[tuple[str, int, int, float]]) -> None:
        """Keep nothing."""

    def append_series(self, series: Series) -> None:
        """Keep nothing."""

    def append(self, entry: Entry) -> None:
        """Keep nothing."""
