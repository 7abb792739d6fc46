"""Columns of a series as bytes and back, bit for bit, with the standard library alone.

A packed column begins with one byte that says how it is packed:

    RAW          the numbers themselves, 8 bytes each, little-endian
    PROGRESSION  start, stride, count: steps, most of the time
    PLANES       byte planes (all first bytes, all second bytes, ...): those that shrink are deflated
    DELTAS       the first number, then PLANES of the differences: timestamps

Source: byte shuffling and delta coding as in HDF5 and Parquet.
"""

from __future__ import annotations

import operator
import struct
import sys
import zlib
from array import array
from functools import lru_cache
from itertools import accumulate, islice

RAW, PROGRESSION, PLANES, DELTAS = range(4)

_WIDTH = 8
_TOP = slice(_WIDTH - 1, None, _WIDTH)
_WORTHWHILE = 0.9
_SMALL = 0.25  # differences this short are what is looked for: nothing else is tried
_SAMPLE = 512
_LEVEL = 1  # higher levels gain a hundredth and cost four times as much
_PROGRESSION = struct.Struct("<Bqqq")
_PLANES = struct.Struct("<BII")
_FIRST = struct.Struct("<Bq")
_STRIDE = struct.Struct("<q")
_SMALL_WINDOW = -9  # all that a sample needs: making room for a whole one takes longer than deflating the sample


def pack_raw(column: array[int] | array[float]) -> bytes:
    """Pack fast, without looking: for chunks that are still open."""
    return bytes((RAW,)) + _little_endian(column)


def pack_integers(column: array[int]) -> bytes:
    """Pack an `array('q')` small."""
    return _packed_integers(_little_endian(column))


@lru_cache(maxsize=16)  # the series of one batch mostly share their steps and timestamps
def _packed_integers(data: bytes) -> bytes:
    differences = _differences(data)
    if not differences:
        return _if_worthwhile(_planes(data), data)
    if differences == differences[:_WIDTH] * (len(differences) // _WIDTH):
        (first,), (stride,) = _STRIDE.unpack_from(data), _STRIDE.unpack_from(differences)
        return _PROGRESSION.pack(PROGRESSION, first, stride, len(data) // _WIDTH)
    best = _FIRST.pack(DELTAS, *_STRIDE.unpack_from(data)) + _planes(differences)
    if len(best) > _SMALL * len(data):
        best = min(best, _planes(data), key=len)
    return _if_worthwhile(best, data)


def pack_floats(column: array[float]) -> bytes:
    """Pack an `array('d')` small; every bit of NaN, infinities and -0.0 is kept."""
    data = _little_endian(column)
    return _if_worthwhile(_planes(data), data)


def unpack_integers(packed: bytes) -> array[int]:
    """Return the `array('q')` that was packed. Raises: ValueError for bytes that no function here wrote."""
    kind = packed[0]
    if kind == PROGRESSION:
        _, start, stride, count = _PROGRESSION.unpack(packed)
        return _stepped(start, stride, count)
    if kind == DELTAS:
        _, first = _FIRST.unpack_from(packed)
        differences = _from_little_endian("q", _unpack_planes(packed[_FIRST.size :]))
        return array("q", list(accumulate(differences.tolist(), initial=first)))
    return _from_little_endian("q", _plain(packed))


def unpack_floats(packed: bytes) -> array[float]:
    """Return the `array('d')` that was packed. Raises: ValueError for bytes that no function here wrote."""
    return _from_little_endian("d", _plain(packed))


def _plain(packed: bytes) -> bytes | bytearray:
    if packed[0] == RAW:
        return packed[1:]
    if packed[0] == PLANES:
        return _unpack_planes(packed)
    raise ValueError(f"a column cannot begin with byte {packed[0]}")


def _stepped(start: int, stride: int, count: int) -> array[int]:
    # array() takes a list a third faster than an iterator, here and elsewhere.
    return array("q", list(range(start, start + stride * count, stride)) if stride else [start] * count)


def _differences(data: bytes) -> bytes:
    """Return each number less the one before it; nothing where there is none, or 64 bits cannot say one."""
    if data[_TOP].isascii():
        # No number is negative. One subtraction of all at once is right if none borrows from the next; one that does
        # has its highest bit set.
        all_at_once = int.from_bytes(data[_WIDTH:], "little") - int.from_bytes(data[:-_WIDTH], "little")
        if all_at_once >= 0:
            found = all_at_once.to_bytes(max(0, len(data) - _WIDTH), "little")
            if found[_TOP].isascii():
                return found
    column = _from_little_endian("q", data)
    try:
        return _little_endian(array("q", list(map(operator.sub, islice(column, 1, None), column))))
    except OverflowError:
        return b""


def _planes(data: bytes) -> bytes:
    shrinking, kept, mask = [], [], 0
    for position in range(_WIDTH):
        plane = data[position::_WIDTH]
        if _shrinks(plane):
            shrinking.append(plane)
            mask |= 1 << position
        else:
            kept.append(plane)
    deflated = zlib.compress(b"".join(shrinking), _LEVEL) if shrinking else b""
    header = _PLANES.pack(PLANES, len(data) // _WIDTH, len(deflated))
    return b"".join((header, bytes((mask,)), deflated, *kept))


def _shrinks(plane: bytes) -> bool:
    """Judge by a sample from the middle: deflating noise costs more than all else here together."""
    start = max(0, (len(plane) - _SAMPLE) // 2)
    sample = plane[start : start + _SAMPLE]
    deflating = zlib.compressobj(_LEVEL, zlib.DEFLATED, _SMALL_WINDOW, 1)
    return len(deflating.compress(sample)) + len(deflating.flush()) < _WORTHWHILE * len(sample)


def _unpack_planes(packed: bytes) -> bytearray:
    _, count, deflated_size = _PLANES.unpack_from(packed)
    mask, start = packed[_PLANES.size], _PLANES.size + 1
    kept = memoryview(packed)[start + deflated_size :]
    shrunk = memoryview(zlib.decompress(packed[start : start + deflated_size]) if mask else b"")
    data = bytearray(count * _WIDTH)
    for position in range(_WIDTH):
        if mask >> position & 1:
            data[position::_WIDTH], shrunk = shrunk[:count], shrunk[count:]
        else:
            data[position::_WIDTH], kept = kept[:count], kept[count:]
    return data


def _if_worthwhile(packed: bytes, data: bytes) -> bytes:
    return packed if len(packed) < _WORTHWHILE * len(data) else bytes((RAW,)) + data


def _little_endian(column: array[int] | array[float]) -> bytes:
    if sys.byteorder == "big":
        column = column[:]
        column.byteswap()
    return column.tobytes()


def _from_little_endian(typecode: str, data: bytes | bytearray) -> array:  # type: ignore[type-arg]
    column = array(typecode)
    column.frombytes(data)
    if sys.byteorder == "big":
        column.byteswap()
    return column
