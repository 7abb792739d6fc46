"""One file of a journal: a header and space for frames, allocated whole and mapped into memory."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import struct
import time
from pathlib import Path
from zlib import crc32

from msgspec import Struct

from steno.errors import JournalError

MAGIC = b"STENOJNL"
VERSION = 1
HEADER_SIZE = 256
_FIXED = struct.Struct("<8sII32s32sIQQIQ")
_CHECKSUM = struct.Struct("<I")  # of the fixed fields before it
_ACKED = struct.Struct("<QI")
_BEAT = struct.Struct("<d")
ACKED_AT = 128
_BEAT_AT = 144
_END_OF_TIME_S = 1e11
SUFFIX = ".journal"


class Header(Struct, frozen=True):
    """Whose segment this is.

    Attributes:
        index: Segments of one journal in order; numbers may be left out.
        base: Offset in the journal of its first frame.
        size: Length of the file in bytes.
        acked: Offset up to which the store has everything.
        pid, pid_started: The owner, and its start in clock ticks since boot.
        heartbeat: When the owner last was alive, in epoch seconds.
    """

    run_id: str
    writer_id: str
    index: int
    base: int
    size: int
    acked: int
    pid: int
    pid_started: int
    heartbeat: float


class Segment:
    """A segment that is being written: in a file, or in memory where no file can be made.

    Attributes:
        buffer: The whole segment, header included.
        size: Its length in bytes.
        base: Offset in the journal of its first frame.
        used: Bytes of the buffer that hold committed frames (and the header).
    """

    def __init__(self, buffer: mmap.mmap | bytearray, base: int, path: Path | None = None, fd: int = -1) -> None:
        self.buffer = buffer
        self.size = len(buffer)
        self.base = base
        self.path = path
        self.used = HEADER_SIZE
        self._fd = fd

    @property
    def end(self) -> int:
        """Offset in the journal behind the last committed frame."""
        return self.base + self.used - HEADER_SIZE

    @classmethod
    def create(cls, folder: Path, header: Header) -> Segment:
        """Make a segment file with all its space allocated and locked to this process. Raises: OSError."""
        name = f"{header.run_id[:32]}.{header.writer_id}.{header.index:06d}"
        path, making = folder / f"{name}{SUFFIX}", folder / f"{name}.making"
        fd = os.open(making, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _allocate(fd, header.size)
            buffer = mmap.mmap(fd, header.size)
            buffer[:HEADER_SIZE] = _pack(header)
            os.rename(making, path)
        except BaseException:
            os.close(fd)
            making.unlink(missing_ok=True)
            raise
        return cls(buffer, header.base, path, fd)

    @classmethod
    def in_memory(cls, base: int, size: int) -> Segment:
        """Make a segment that lives in memory only."""
        return cls(bytearray(size), base)

    def acknowledge(self, offset: int) -> None:
        """Note how far the store has everything."""
        self.buffer[ACKED_AT : ACKED_AT + _ACKED.size] = acknowledgement(offset)

    def beat(self) -> None:
        """Note that the owner is alive."""
        _BEAT.pack_into(self.buffer, _BEAT_AT, time.time())

    def close(self, *, remove: bool) -> None:
        """Unmap and unlock; with `remove` the file goes."""
        if self._fd < 0:
            return
        if remove and self.path is not None:
            self.path.unlink(missing_ok=True)
        if isinstance(self.buffer, mmap.mmap):
            self.buffer.close()
        os.close(self._fd)
        self._fd = -1


def read_header(data: bytes | memoryview, where: str) -> Header:
    """Read a segment's header.

    Raises:
        JournalError: It is no journal, or one of a later version, or damaged.
    """
    if len(data) < HEADER_SIZE:
        raise JournalError(f"{where} is no journal: it is shorter than a header")
    magic, version, _, run, writer, index, base, size, pid, started = _FIXED.unpack_from(data)
    if magic != MAGIC:
        raise JournalError(f"{where} is no journal: it does not begin with {MAGIC!r}")
    if _CHECKSUM.unpack_from(data, _FIXED.size) != (crc32(data[: _FIXED.size]),):
        raise JournalError(f"{where} has a damaged header")
    if version != VERSION:
        raise JournalError(f"{where} has journal version {version}, this steno reads {VERSION}: install a later steno")
    acked, check = _ACKED.unpack_from(data, ACKED_AT)
    (beat,) = _BEAT.unpack_from(data, _BEAT_AT)
    if acknowledgement(acked) != _ACKED.pack(acked, check):
        acked = 0  # the store knows by the token what it has
    run_id, writer_id = (name.rstrip(b"\0").decode("ascii") for name in (run, writer))
    return Header(run_id, writer_id, index, base, size, acked, pid, started, beat if 0 < beat < _END_OF_TIME_S else 0.0)


def acknowledgement(offset: int) -> bytes:
    """How a header notes the offset up to which the store has everything."""
    return _ACKED.pack(offset, crc32(offset.to_bytes(8, "little")))


_own_start: tuple[int, int] = (0, 0)
"""This process and when it started: to ask the system takes as long as all else that a journal is opened with."""


def pid_started(pid: int) -> int:
    """When a process started, in clock ticks since boot; 0 where the system does not say."""
    global _own_start
    if pid != os.getpid():
        return _ask_when_started(pid)
    if _own_start[0] != pid:
        _own_start = pid, _ask_when_started(pid)
    return _own_start[1]


def _ask_when_started(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            return int(stat.read().rpartition(b")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return 0


def _pack(header: Header) -> bytes:
    h = header
    run, writer = h.run_id[:32].encode("ascii"), h.writer_id.encode("ascii")
    fixed = _FIXED.pack(MAGIC, VERSION, HEADER_SIZE, run, writer, h.index, h.base, h.size, h.pid, h.pid_started)
    data = bytearray((fixed + _CHECKSUM.pack(crc32(fixed))).ljust(HEADER_SIZE, b"\0"))
    data[ACKED_AT : ACKED_AT + _ACKED.size] = acknowledgement(h.acked)
    _BEAT.pack_into(data, _BEAT_AT, h.heartbeat)
    return bytes(data)


def _allocate(fd: int, size: int) -> None:
    # A sparse file on a disk that fills up would kill the process with SIGBUS at the first touch.
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(fd, 0, size)
            return
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
                raise
    written = 0
    while written < size:
        written += os.write(fd, bytes(min(size - written, 1 << 20)))
