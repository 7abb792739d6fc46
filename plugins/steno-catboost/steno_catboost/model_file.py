"""Reads CatBoost's model files as plain data, before CatBoost does: its own reader trusts what it is given.

Source: CatBoost's schemas of its binary format; https://flatbuffers.dev/internals. A file is "CBM1", the size of the
core, the core as a FlatBuffer, and the parts that the core names: tables of categorical features, each a FlatBuffer
with its size before it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from steno.errors import ModelError

MAGIC = b"CBM1"
CTR_TABLES = "static_provider_v1"
_LONG = 0xFFFFFFFF


class Damaged(Exception):
    """Something in the file is missing or points outside it."""


class Table:
    """A table of a FlatBuffer. Everything is checked against the bytes there are, at the moment it is read."""

    __slots__ = ("_at", "_data", "_fields")

    def __init__(self, data: memoryview, at: int) -> None:
        self._data = data
        self._at = at
        fields_at = at - _number(data, "<i", at)
        size = _number(data, "<H", fields_at)
        if size < 4 or size % 2:
            raise Damaged("a table has no list of fields")
        self._fields = [_number(data, "<H", fields_at + 4 + 2 * index) for index in range((size - 4) // 2)]

    @property
    def fields(self) -> int:
        """How many fields there are; the last may be absent."""
        return max((index + 1 for index, offset in enumerate(self._fields) if offset), default=0)

    def number(self, field: int, form: str, default: float = 0) -> Any:
        """Return a number; `form` is that of `struct`."""
        at = self._place(field)
        return default if at is None else _number(self._data, f"<{form}", at)

    def table(self, field: int) -> Table:
        """Return a table that has to be there."""
        return Table(self._data, self._target(self._needed(field)))

    def tables(self, field: int) -> list[Table]:
        """Return the tables of a vector."""
        return [Table(self._data, self._target(at)) for at in self._elements(field)]

    def text(self, field: int) -> str:
        """Return a text; an empty one if there is none."""
        at = self._place(field)
        return "" if at is None else self._text(self._target(at))

    def texts(self, field: int) -> list[str]:
        """Return the texts of a vector."""
        return [self._text(self._target(at)) for at in self._elements(field)]

    def array(self, field: int, dtype: Any) -> Any:
        """Return a vector of numbers or structs; an empty one if there is none."""
        kind = np.dtype(dtype)
        at = self._place(field)
        if at is None:
            return np.zeros(0, kind)
        first = self._target(at)
        count = _number(self._data, "<I", first)
        return np.frombuffer(_slice(self._data, first + 4, count * kind.itemsize), kind)

    def has(self, field: int) -> bool:
        """Whether a field is given."""
        return self._place(field) is not None

    def _place(self, field: int) -> int | None:
        offset = self._fields[field] if field < len(self._fields) else 0
        return self._at + offset if offset else None

    def _needed(self, field: int) -> int:
        at = self._place(field)
        if at is None:
            raise Damaged("a part of a table is missing")
        return at

    def _target(self, at: int) -> int:
        return at + int(_number(self._data, "<I", at))

    def _elements(self, field: int) -> Iterator[int]:
        at = self._place(field)
        if at is None:
            return iter(())
        first = self._target(at)
        count = _number(self._data, "<I", first)
        _slice(self._data, first + 4, 4 * count)
        return iter(range(first + 4, first + 4 + 4 * count, 4))

    def _text(self, at: int) -> str:
        size = _number(self._data, "<I", at)
        return bytes(_slice(self._data, at + 4, size)).decode("utf-8", "replace")


class ModelFile:
    """A model file taken apart.

    Attributes:
        core: The core's table.
        parts: The names of what follows it.
        rest: What follows it.
    """

    def __init__(self, data: bytes, where: str) -> None:
        if data[:4] != MAGIC:
            raise ModelError(f"{where} is no model of CatBoost's in its binary format (cbm)")
        try:
            core, self.rest = _sized(memoryview(data)[4:])
            self.core = root(core)
            self.parts = self.core.texts(3)
        except (Damaged, struct.error, ValueError) as error:
            raise ModelError(f"{where} is damaged: {error}") from error

    @property
    def unchecked(self) -> list[str]:
        """The parts that cannot be looked into: those of text and embedding features."""
        return [name for name in self.parts if name != CTR_TABLES]

    def ctr_tables(self) -> Iterator[Table]:
        """Give the tables of categorical features. Raises: Damaged."""
        if CTR_TABLES not in self.parts:
            return
        if self.parts[0] != CTR_TABLES or self.parts.count(CTR_TABLES) > 1:
            raise Damaged("the parts of the model are not in order")
        count, left = _size(self.rest)
        for _ in range(count):
            one, left = _sized(left)
            yield root(one)
        if len(left) and len(self.parts) == 1:
            raise Damaged(f"{len(left)} bytes follow its end")


def root(data: memoryview) -> Table:
    """Return the table that a FlatBuffer holds."""
    return Table(data, int(_number(data, "<I", 0)))


def _sized(data: memoryview) -> tuple[memoryview, memoryview]:
    size, left = _size(data)
    return _slice(left, 0, size), left[size:]


def _size(data: memoryview) -> tuple[int, memoryview]:
    size = int(_number(data, "<I", 0))
    if size == _LONG:
        return int(_number(data, "<Q", 4)), data[12:]
    return size, data[4:]


def _slice(data: memoryview, at: int, size: int) -> memoryview:
    if at < 0 or size < 0 or at + size > len(data):
        raise Damaged(f"{size} bytes are announced, and {max(0, len(data) - at)} are left")
    return data[at : at + size]


def _number(data: memoryview, form: str, at: int) -> Any:
    return struct.unpack(form, _slice(data, at, struct.calcsize(form)))[0]
