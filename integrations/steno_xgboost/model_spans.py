"""Where in a model file of UBJSON a value lies, found without reading it; the format is that of `model_file`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

_SIZES = {ord(marker): size for marker, size in zip("iUIlLdDZTF", (1, 1, 2, 4, 8, 4, 8, 0, 0, 0), strict=True)}
_OBJECT, _OBJECT_END, _LIST, _LENGTH, _TYPED, _TEXT = map(ord, "{}[#$S")


class Span(NamedTuple):
    """From a value's marker to behind its last byte."""

    begin: int
    end: int


def members(data: bytearray, begin: int) -> dict[bytes, Span]:
    """Return where the values of the object at `begin` lie, by name and in order. Raises: ValueError, LookupError."""
    _demand(data[begin] == _OBJECT, "an object")
    found, at = {}, begin + 1
    while data[at] != _OBJECT_END:
        size, at = _length(data, at)
        value = at + size
        name = bytes(data[at:value])
        at = end_of(data, value)
        found[name] = Span(value, at)
    return found


def elements(data: bytearray, begin: int) -> Iterator[Span]:
    """Yield where the values of the list at `begin` lie. Raises: ValueError, LookupError."""
    _demand(data[begin] == _LIST and data[begin + 1] == _LENGTH, "a list with a length")
    count, at = _length(data, begin + 2)
    for _ in range(count):
        end = end_of(data, at)
        yield Span(at, end)
        at = end


def end_of(data: bytearray, at: int) -> int:
    """Return where the value at a place ends. Raises: ValueError, LookupError."""
    marker = data[at]
    if marker == _TEXT:
        size, at = _length(data, at + 1)
        return at + size
    if marker == _OBJECT:
        return max((span.end for span in members(data, at).values()), default=at + 1) + 1
    if marker == _LIST and data[at + 1] == _TYPED:
        _demand(data[at + 3] == _LENGTH, "a length")
        count, values = _length(data, at + 4)
        return values + count * _SIZES[data[at + 2]]
    if marker == _LIST:
        return max((span.end for span in elements(data, at)), default=_length(data, at + 2)[1])
    return at + 1 + _SIZES[marker]


def _length(data: bytearray, at: int) -> tuple[int, int]:
    """Return the length that is written at a place, and what follows it."""
    _demand(data[at] == ord("L"), "a length of 64 bits")
    return int.from_bytes(data[at + 1 : at + 9], "big"), at + 9


def _demand(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f"{what} was expected")
