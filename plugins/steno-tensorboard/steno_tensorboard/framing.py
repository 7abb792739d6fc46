"""Records of an event file, many at once: length, its checksum, content, its checksum.

Source: the TFRecord format; CRC-32C (Castagnoli) of RFC 3720 appendix B.4, rotated by 15 bits and offset.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

CHUNK = 1 << 14
"""Rows that are encoded together: their columns stay in the processor's cache."""

_POLYNOMIAL = 0x82F63B78
_MASK = np.uint32(0xA282EAD8)
HEAD_BYTES, FOOT_BYTES = 12, 4

Bytes = Any  # np.ndarray of uint8; NumPy's generic types differ between the versions that are supported


def _table() -> Any:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ _POLYNOMIAL, table >> 1).astype(np.uint32)
    return table


_TABLE = _table()
_NUMBERS: list[int] = _TABLE.tolist()


def checksums(rows: Bytes) -> Any:
    """Masked CRC-32C of each row of bytes, shape (n,)."""
    crc = np.full(len(rows), 0xFFFFFFFF, np.uint32)
    for column in np.ascontiguousarray(rows.T):
        crc = _TABLE[(crc ^ column) & 0xFF] ^ (crc >> 8)
    crc ^= np.uint32(0xFFFFFFFF)
    return ((crc >> 15) | (crc << 17)) + _MASK


def framed_rows(rows: Bytes) -> Bytes:
    """Records of rows of equal length, shape (n, length + 16)."""
    count, length = rows.shape
    head = np.frombuffer(struct.pack("<Q", length), np.uint8).reshape(1, 8)
    out = np.empty((count, length + HEAD_BYTES + FOOT_BYTES), np.uint8)
    out[:, :8] = head
    out[:, 8:12] = checksums(head).astype("<u4").view(np.uint8)
    out[:, 12:-4] = rows
    out[:, -4:] = checksums(rows).astype("<u4").view(np.uint8).reshape(count, 4)
    return out


def framed(content: bytes) -> bytes:
    """One record."""
    head = struct.pack("<Q", len(content))
    return b"".join((head, checksum(head), content, checksum(content)))


def checksum(content: bytes) -> bytes:
    """Masked CRC-32C of some bytes, as it is written."""
    crc, table = 0xFFFFFFFF, _NUMBERS
    for byte in content:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + int(_MASK)) & 0xFFFFFFFF)
