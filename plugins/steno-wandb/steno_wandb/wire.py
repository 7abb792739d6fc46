"""Protocol buffers on the wire, as far as records of a run need them.

Source: the wire format of protocol buffers; a message is its fields one after another.
"""

from __future__ import annotations

_VARINT, _BYTES = 0, 2


def varint(number: int) -> bytes:
    """A whole number of 64 bits, seven at a time; negative ones in two's complement."""
    number &= 0xFFFFFFFFFFFFFFFF
    if number < 0x80:
        return bytes((number,))
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def number(field: int, value: int | bool) -> bytes:
    """A field that holds a whole number or a truth value; the default, 0, is not written."""
    return varint(field << 3 | _VARINT) + varint(value) if value else b""


def message(field: int, content: bytes) -> bytes:
    """A field that holds another message, which may be empty."""
    return b"%b%b%b" % (varint(field << 3 | _BYTES), varint(len(content)), content)


def text(field: int, value: str) -> bytes:
    """A field that holds text; the default, none, is not written."""
    return message(field, value.encode("utf-8", "replace")) if value else b""


def timestamp(field: int, time_ms: int) -> bytes:
    """A field that holds a `google.protobuf.Timestamp`."""
    seconds, rest_ms = divmod(time_ms, 1000)
    return message(field, number(1, seconds) + number(2, rest_ms * 1_000_000))
