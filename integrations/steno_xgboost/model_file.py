"""Reads XGBoost's model files as plain data, before XGBoost does: its own reader trusts what it is given.

Source: XGBoost's "Introduction to Model IO"; https://ubjson.org, with a 64-bit length before every string and array,
and 32-bit floats under "d", as XGBoost writes it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from steno.errors import ModelError

Tree = dict[str, Any]
_DEEPEST = 32
_NUMBERS = {"i": ">i1", "U": ">u1", "I": ">i2", "l": ">i4", "L": ">i8", "d": ">f4", "D": ">f8"}
_SCALARS: dict[str, Any] = {"Z": None, "T": True, "F": False}
_OLD = (b"binf", b"bs64", b"CONFIG-offset:")


def read(data: bytes | bytearray, where: str) -> Tree:
    """Return the content of a model file: objects as dicts, typed arrays as NumPy's, the rest as Python's.

    UBJSON's typed arrays are views of the data: it cannot change its size while they live.

    Raises:
        ModelError: It is damaged, ambiguous, or in a format that cannot be looked into.
    """
    if data[:2] == b"{L":
        return _checked(lambda: _Reader(data).whole(), where)
    if data[:1] == b"{" and data[1:2] in (b'"', b" ", b"\n", b"\r", b"\t"):
        return _checked(lambda: json.loads(data.decode(), object_pairs_hook=_unique), where)
    if data.startswith(_OLD):
        raise ModelError(
            f"{where} is in XGBoost's old binary format, which cannot be checked before it is loaded: load it with "
            'an XGBoost before 3.1 and save it anew as "model.ubj"'
        )
    raise ModelError(f"{where} is no model of XGBoost's, neither as UBJSON nor as JSON")


def _checked(parse: Callable[[], Any], where: str) -> Tree:
    try:
        found = parse()
    except (ValueError, LookupError, struct.error, RecursionError, OverflowError) as error:
        raise ModelError(f"{where} is damaged: {error}") from error
    if not isinstance(found, dict):
        raise ModelError(f"{where} is damaged: it holds no object")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):  # readers differ in which one counts
        raise ValueError("a key comes twice")
    return found


class _Reader:
    """UBJSON, as far as XGBoost writes it. Everything is checked against what is left of the data."""

    def __init__(self, data: bytes | bytearray) -> None:
        self._data = memoryview(data)
        self._at = 0

    def whole(self) -> Any:
        value = self._value(0)
        if self._at != len(self._data):
            raise ValueError(f"{len(self._data) - self._at} bytes follow its end")
        return value

    def _take(self, count: int) -> memoryview:
        if not 0 <= count <= len(self._data) - self._at:
            raise ValueError(f"{count} bytes are announced, and {len(self._data) - self._at} are left")
        self._at += count
        return self._data[self._at - count : self._at]

    def _marker(self) -> str:
        return str(self._take(1), "latin-1")

    def _next_is(self, marker: str) -> bool:
        if self._data[self._at : self._at + 1] != marker.encode():
            return False
        self._at += 1
        return True

    def _length(self) -> int:
        if self._marker() != "L":
            raise ValueError("a length is not a 64-bit number")
        return int(struct.unpack(">q", self._take(8))[0])

    def _text(self) -> str:
        return str(self._take(self._length()), "utf-8")

    def _value(self, depth: int) -> Any:
        if depth > _DEEPEST:
            raise ValueError("it is nested too deeply")
        marker = self._marker()
        if marker == "{":
            return self._object(depth)
        if marker == "[":
            return self._array(depth)
        if marker == "S":
            return self._text()
        if marker in _NUMBERS:
            return self._numbers(marker, 1)[0].item()
        if marker in _SCALARS:
            return _SCALARS[marker]
        raise ValueError(f"{marker!r} at byte {self._at - 1} begins no value")

    def _object(self, depth: int) -> dict[str, Any]:
        pairs = []
        while not self._next_is("}"):
            pairs.append((self._text(), self._value(depth + 1)))
        return _unique(pairs)

    def _array(self, depth: int) -> Any:
        if self._next_is("$"):
            marker = self._marker()
            if marker not in _NUMBERS or not self._next_is("#"):
                raise ValueError("a typed array is not of numbers, or has no length")
            return self._numbers(marker, self._length())
        if self._next_is("#"):
            # Each value takes a byte at least, so that a false length ends with the data.
            return [self._value(depth + 1) for _ in range(self._length())]
        values = []
        while not self._next_is("]"):
            values.append(self._value(depth + 1))
        return values

    def _numbers(self, marker: str, count: int) -> Any:
        dtype = np.dtype(_NUMBERS[marker])
        if count < 0:
            raise ValueError("a length is negative")
        return np.frombuffer(self._take(count * dtype.itemsize), dtype)
