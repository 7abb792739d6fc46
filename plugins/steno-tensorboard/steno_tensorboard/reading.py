"""Records of an event file, as far as they are whole.

TensorBoard's own reader checks each byte in Python where TensorFlow is not installed (15 s for a million points), and
keeps silent about a torn record; the format is the one that `framing` writes.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np

from steno_tensorboard.framing import FOOT_BYTES, HEAD_BYTES, checksum, checksums

_PIECE = 1 << 22
_FEW = 24
"""Records of one length for which setting up columns takes longer than one after the other."""

Span = tuple[int, int]
"""Where a record's content begins in a buffer, and its length."""


class TornFile(Exception):
    """A file that holds no whole record any more from `offset` on."""

    def __init__(self, offset: int, reason: str) -> None:
        self.offset = offset
        super().__init__(f"{reason} at byte {offset:,}")


def records(path: Path) -> Iterator[bytes]:
    """Yield the content of each record.

    Raises:
        TornFile: After the last whole record, where the file does not end with it.
        OSError: It cannot be read.
    """
    rest, base = b"", 0
    with path.open("rb") as file:
        while piece := file.read(max(_PIECE, len(rest))):  # doubles for a record that is longer than a piece
            buffer = rest + piece
            spans, end, reason = _walked(buffer)
            whole = _first_damaged(buffer, spans)
            for start, length in spans[:whole]:
                yield buffer[start : start + length]
            if whole < len(spans):
                raise TornFile(base + spans[whole][0] - HEAD_BYTES, "a record that does not match its checksum")
            if reason:
                raise TornFile(base + end, reason)
            rest, base = buffer[end:], base + end
    if rest:
        raise TornFile(base, "a record that is cut off")


def _walked(buffer: bytes) -> tuple[list[Span], int, str]:
    """The records that lie whole in a buffer, where they end, and what is wrong there."""
    spans: list[Span] = []
    at, size = 0, len(buffer)
    while at + HEAD_BYTES <= size:
        head = buffer[at : at + 8]
        if buffer[at + 8 : at + HEAD_BYTES] != _head_sum(head):
            return spans, at, "a length that does not match its checksum"
        (length,) = _LENGTH.unpack(head)
        if at + HEAD_BYTES + length + FOOT_BYTES > size:
            break
        spans.append((at + HEAD_BYTES, length))
        at += HEAD_BYTES + length + FOOT_BYTES
    return spans, at, ""


_LENGTH = struct.Struct("<Q")
_head_sum = lru_cache(4096)(checksum)


def _first_damaged(buffer: bytes, spans: list[Span]) -> int:
    """The number of the first record whose content is not as it was written; how many there are if all are."""
    by_length: dict[int, list[int]] = defaultdict(list)
    for number, (_, length) in enumerate(spans):
        by_length[length].append(number)
    first = len(spans)
    for length, numbers in by_length.items():
        if len(numbers) < _FEW:
            damaged = [n for n in numbers if not _is_whole(buffer, spans[n])]
        else:
            damaged = _damaged(buffer, [spans[n][0] for n in numbers], length, numbers)
        first = min([first, *damaged[:1]])
    return first


def _is_whole(buffer: bytes, span: Span) -> bool:
    start, length = span
    end = start + length
    return buffer[end : end + FOOT_BYTES] == checksum(buffer[start:end])


def _damaged(buffer: bytes, starts: list[int], length: int, numbers: list[int]) -> list[int]:
    """Those of many records of one length that are damaged; checked in columns, some thousands at a time."""
    content, found = np.frombuffer(buffer, np.uint8), []
    step = max(_FEW, (_PIECE // 4) // max(1, length))
    for begin in range(0, len(starts), step):
        rows = content[np.array(starts[begin : begin + step])[:, None] + np.arange(length + FOOT_BYTES)]
        told = np.ascontiguousarray(rows[:, length:]).view("<u4").ravel()
        wrong = np.flatnonzero(told != checksums(rows[:, :length]))
        found += [numbers[begin + int(index)] for index in wrong]
    return found
