"""The file of an offline run: a header, then records in blocks.

Source: the log format of LevelDB, with the header and plain CRC-32 that `wandb` (0.10 to 0.31) writes and reads.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from zlib import crc32

HEADER = struct.pack("<4sHB", b":W&B", 0xBEE1, 0)
BLOCK = 32 << 10
_HEAD = struct.Struct("<IHB")
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_SEEDS = {kind: crc32(bytes((kind,))) for kind in (_FULL, _FIRST, _MIDDLE, _LAST)}
_PIECE = 1 << 20


def append(path: Path, records: Iterable[bytes]) -> None:
    """Append records to a file that only this process writes; it is made if it is missing.

    Raises:
        OSError: Then the file is as it was before.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
    before, whole = os.fstat(file).st_size, False
    try:
        _write(file, before, records)
        whole = True
    finally:
        if not whole:
            os.ftruncate(file, before)  # nobody reads beyond half a record
        os.close(file)


def _write(file: int, at: int, records: Iterable[bytes]) -> None:
    waiting = bytearray() if at else bytearray(HEADER)
    for record in records:
        waiting += laid_out(record, at + len(waiting))
        if len(waiting) > _PIECE:
            _write_all(file, waiting)
            at += len(waiting)
            waiting = bytearray()
    _write_all(file, waiting)


def _write_all(file: int, content: bytearray) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(file, view) :]


def laid_out(record: bytes, at: int) -> bytes:
    """A record as it is written at an offset: whole, or in the parts that the blocks leave room for."""
    room = BLOCK - at % BLOCK
    if len(record) + _HEAD.size <= room:
        return _HEAD.pack(crc32(record, _SEEDS[_FULL]), len(record), _FULL) + record
    out, start, first = bytearray(), 0, True
    while True:
        room = BLOCK - (at + len(out)) % BLOCK
        if room < _HEAD.size:  # no head fits into the rest of this block
            out += bytes(room)
            continue
        part = record[start : start + room - _HEAD.size]
        end = start + len(part)
        kind = _part(first, end == len(record))  # a first part may be empty: a head alone fills the block
        out += _HEAD.pack(crc32(part, _SEEDS[kind]), len(part), kind) + part
        start, first = end, False
        if kind in (_FULL, _LAST):
            return bytes(out)


def _part(first: bool, last: bool) -> int:
    if first:
        return _FULL if last else _FIRST
    return _LAST if last else _MIDDLE


class TornFile(Exception):
    """A file that holds no whole record any more from `offset` on."""

    def __init__(self, offset: int, reason: str) -> None:
        self.offset = offset
        super().__init__(f"{reason} at byte {offset:,}")


def read(path: Path) -> Iterator[bytes]:
    """Yield the records of a file, as far as they are whole."""
    with suppress(TornFile):
        yield from records(path)


def records(path: Path) -> Iterator[bytes]:
    """Yield the records of a file, a block of it at a time in memory.

    Raises:
        TornFile: After the last whole record, where the file does not end with it.
        OSError: It cannot be read.
    """
    parts, inside = bytearray(), False
    with path.open("rb") as file:
        base = 0
        while block := file.read(BLOCK):
            if base == 0 and not block.startswith(HEADER):
                raise TornFile(0, "no header of Weights & Biases")
            for kind, part in _parts(block, base, 0 if base else len(HEADER)):
                if inside != (kind in (_MIDDLE, _LAST)):
                    raise TornFile(base, "a record in parts, not all of which are there,")
                parts += part
                inside = kind in (_FIRST, _MIDDLE)
                if not inside:
                    yield bytes(parts)
                    parts.clear()
            base += len(block)
    if inside:
        raise TornFile(base, "a record that is cut off")


def _parts(block: bytes, base: int, at: int) -> Iterator[tuple[int, bytes]]:
    """Yield the parts of records that lie in a block, with their kinds. Raises: TornFile."""
    while len(block) - at >= _HEAD.size:
        checksum, length, kind = _HEAD.unpack_from(block, at)
        start, end = at + _HEAD.size, at + _HEAD.size + length
        if kind == 0 and not any(block[at:]):
            return  # space that was set aside and never written
        if end > len(block):
            raise TornFile(base + at, "a record that is cut off")
        part = block[start:end]
        if kind not in _SEEDS or crc32(part, _SEEDS[kind]) != checksum:
            raise TornFile(base + at, "a record that does not match its checksum")
        yield kind, part
        at = end
    if any(block[at:]):
        raise TornFile(base + at, "a record that is cut off")
