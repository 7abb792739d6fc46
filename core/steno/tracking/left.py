"""What a process left behind: the files of its journal, read as far as damage allows."""

from __future__ import annotations

import os
import re
import struct
from pathlib import Path

import msgspec

from steno.errors import JournalError
from steno.records import Batch
from steno.tracking import ending, frames
from steno.tracking.frames import Delivery, Opened, Reader
from steno.tracking.segment import ACKED_AT, HEADER_SIZE, Header, acknowledgement, read_header

_KINDS = re.compile(rb"[\x01\x02]")
_DAMAGE = (msgspec.DecodeError, msgspec.ValidationError, KeyError, ValueError, struct.error)


class SegmentFile:
    """One segment file, read whole."""

    def __init__(self, path: Path, lock: int = -1) -> None:
        self.path = path
        self.lock = lock
        self.data = path.read_bytes()
        self.header: Header = read_header(self.data, path.name)
        self.bodies, self.damage = _bodies(self.data)
        if len(self.data) < self.header.size:
            self.damage = f"it was cut short at byte {len(self.data)} of {self.header.size}"

    @property
    def end(self) -> int:
        """Offset in the journal behind the last readable frame."""
        return self.header.base + (self.bodies[-1][1] if self.bodies else HEADER_SIZE) - HEADER_SIZE


class LeftJournal:
    """The files of one journal whose owner is gone, as a carrier's source; holds their locks."""

    def __init__(self, paths: list[Path], locks: list[int]) -> None:
        self._locks = locks
        self._files: list[SegmentFile] = []
        self._unreadable: list[Path] = []
        self.damage: list[str] = []
        for path, lock in zip(paths, locks, strict=True):
            self._take(path, lock)
        if not self._files:
            raise JournalError("; ".join(self.damage))
        self._files.sort(key=lambda file: file.header.index)
        first = self._files[0].header
        self.folder = paths[0].parent
        self.writer_id = first.writer_id
        self.acked = max(first.base, *(file.header.acked for file in self._files))
        self._end = max(file.end for file in self._files)
        self._reader = Reader()
        self.opened = self._find_opened()
        self.run_id = self.opened.run_id if self.opened else first.run_id
        self.last_seen_ms = int(max(file.header.heartbeat for file in self._files) * 1000)
        self.owner = (first.pid, first.pid_started)

    def _take(self, path: Path, lock: int) -> None:
        try:
            file = SegmentFile(path, lock)
        except JournalError as error:
            self._unreadable.append(path)
            self.damage.append(str(error))
            return
        self._files.append(file)
        if file.damage:
            self.damage.append(f"{path.name}: {file.damage}")

    def _find_opened(self) -> Opened | None:
        reader = Reader()
        for file in self._files:
            for body, end in file.bodies[:1]:
                feed(reader, file.data, body, end)
        return reader.opened

    def pending(self) -> bool:
        """Whether the store lacks something."""
        return self._end > self.acked

    def read(self) -> tuple[Batch, list[Delivery], int]:
        """Return what follows `acked`, one segment at a time."""
        self._reader.take()
        for file in self._files:
            if file.end <= self.acked:
                continue
            shift = file.header.base - HEADER_SIZE
            for body, end in file.bodies:
                # Entries of what is acknowledged are read again for their layouts only.
                if end + shift > self.acked or file.data[body] == frames.ENTRY:
                    problem = feed(self._reader, file.data, body, end)
                    if problem and not file.damage:
                        file.damage = problem
                        self.damage.append(f"{file.path.name}: {problem}")
                if end + shift <= self.acked:
                    self._reader.take()
            batch, files = self._reader.take()
            self.last_seen_ms = max([self.last_seen_ms, *(max(s.times) for s in batch.series.values())])
            return batch, files, file.end
        return Batch(), [], self.acked

    def acknowledge(self, offset: int) -> None:
        """Remember in the files how far the store has everything."""
        self.acked = max(self.acked, offset)
        for file in self._files:
            os.pwrite(file.lock, acknowledgement(self.acked), ACKED_AT)

    def close(self, *, remove: bool) -> None:
        """Let the locks go; with `remove` the files too, save damaged ones, which are set aside."""
        if remove:
            for file in self._files:
                if not file.damage:
                    file.path.unlink(missing_ok=True)
            for path in [*self._unreadable, *(file.path for file in self._files if file.damage)]:
                path.rename(path.with_suffix(".damaged"))
            ending.path_of(self.folder, *self.owner).unlink(missing_ok=True)
        for lock in self._locks:
            os.close(lock)
        self._locks = []


def _bodies(data: bytes) -> tuple[list[tuple[int, int]], str]:
    """The bodies of all whole frames, and what is wrong, "" if nothing."""
    bodies: list[tuple[int, int]] = []
    damage = ""
    at = HEADER_SIZE
    while True:
        bodies += frames.scan(data, at, len(data))
        at = bodies[-1][1] if bodies else HEADER_SIZE
        following = _next_frame(data, at)
        # Zeros with nothing behind them are the end, or what a kill left of a frame that was not yet committed.
        if following is None and not any(data[at : at + frames.HEAD.size]):
            return bodies, damage
        damage = damage or f"a damaged frame at byte {at}"
        if following is None:
            return bodies, damage
        at = following


def _next_frame(data: bytes, start: int) -> int | None:
    """Where the next whole frame begins behind damage, None if there is none."""
    for kind in _KINDS.finditer(data, start + frames.HEAD.size):
        at = kind.start() - frames.HEAD.size
        if next(frames.scan(data, at, len(data)), None) is not None:
            return at
    return None


def feed(reader: Reader, data: bytes, body: int, end: int) -> str:
    """Let a reader read one frame, and return what is wrong with it, "" if nothing."""
    try:
        reader.feed(data, body, end)
        return ""
    except _DAMAGE as error:
        return f"a frame at byte {body} that cannot be read: {error}"
