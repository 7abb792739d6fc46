"""Messages to bytes and back: JSON bodies and queries, in every spelling that MLflow's wire allows."""

from __future__ import annotations

import math
import types
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, TypeVar, get_args, get_origin

import msgspec

from steno.errors import InvalidValue
from steno.wire.entities import Double
from steno.wire.messages import Message

T = TypeVar("T", bound=Message)

encode = msgspec.json.Encoder().encode
pack = msgspec.msgpack.Encoder().encode


def decode(body: bytes, kind: type[T]) -> T:
    """Read a JSON body; an empty one is an empty message. Raises: InvalidValue.

    Fields may be spelled in snake_case or camelCase, whole numbers be written as text, unknown fields be there.
    """
    reader, spellings = _reader(kind)
    try:
        if any(spelling in body for spelling in spellings):
            message: T = msgspec.convert(_in_snake_case(msgspec.json.decode(body)), kind, strict=False)
        else:
            message = reader.decode(body or b"{}")
    except msgspec.ValidationError as error:
        raise InvalidValue(_told(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidValue(f"the body is no JSON object: {error}") from error
    return message


def decode_query(pairs: Iterable[tuple[str, str]], kind: type[T]) -> T:
    """Read a query: a key that comes several times is a list. Raises: InvalidValue."""
    lists = _lists(kind)
    found: dict[str, Any] = {}
    for key, value in pairs:
        name = _NAMES.get(key, key)
        if name in lists:
            found.setdefault(name, []).append(value)
        else:
            found[name] = value
    try:
        message: T = msgspec.convert(found, kind, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidValue(_told(error)) from error
    return message


def encode_query(message: Message) -> list[tuple[str, str]]:
    """Write a message as a query."""
    pairs = []
    for key, value in msgspec.to_builtins(message).items():
        for each in value if isinstance(value, list) else [value]:
            pairs.append((key, str(each).lower() if isinstance(each, bool) else str(each)))
    return pairs


def double(value: float) -> Double:
    """Write a number as the wire has it: JSON knows no NaN and no infinity."""
    if math.isfinite(value):
        return value
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def undouble(value: Double) -> float:
    """Read a number as the wire has it. Raises: InvalidValue."""
    try:
        return float(value)
    except ValueError:
        raise InvalidValue(
            f"{value[:60]!r} is no number" if isinstance(value, str) else f"{value} is no number"
        ) from None


@cache
def _reader(kind: type[T]) -> tuple[msgspec.json.Decoder[T], tuple[bytes, ...]]:
    spellings = tuple(f'"{_camel(name)}"'.encode() for name in sorted(_names(kind)) if "_" in name)
    return msgspec.json.Decoder(kind, strict=False), spellings


@cache
def _lists(kind: type[Message]) -> frozenset[str]:
    return frozenset(
        f.name for f in msgspec.structs.fields(kind) if any(get_origin(a) is list for a in (f.type, *_parts(f.type)))
    )


def _names(kind: Any) -> set[str]:
    """The names of a struct's fields, and of those inside them."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        fields = msgspec.structs.fields(kind)
        return {f.name for f in fields}.union(*(_names(f.type) for f in fields))
    return set().union(*(_names(part) for part in _parts(kind) if part is not kind))


def _parts(kind: Any) -> tuple[Any, ...]:
    if isinstance(kind, types.UnionType) or get_origin(kind) is list:
        return get_args(kind)
    return (kind,)


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def _in_snake_case(value: Any) -> Any:
    if isinstance(value, list):
        return [_in_snake_case(each) for each in value]
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for key, each in value.items():
        name = _NAMES.get(key, key)
        if name in found:
            raise InvalidValue(f"the field {name!r} is given twice, in two spellings")
        found[name] = _in_snake_case(each)
    return found


def _told(error: msgspec.ValidationError) -> str:
    """What msgspec says, in the words of someone who made a request."""
    said, _, where = str(error).partition(" - at ")
    place = where.replace("`", "").removeprefix("$").removeprefix(".")
    if said.startswith("Object missing required field "):
        name = said.rpartition(" ")[2].strip("`")
        return f"missing value for required parameter {name!r}" + (f" of {place}" if place else "")
    plain = said.replace("`", "").replace(" | null", "")
    return f"invalid value for {f'parameter {place!r}' if place else 'the body'}: {plain[:1].lower()}{plain[1:]}"


def _spellings() -> Mapping[str, str]:
    from steno.wire.calls import CALLS

    names = set[str]().union(*(_names(call.asks) for call in CALLS))
    return {_camel(name): name for name in names if "_" in name}


_NAMES = _spellings()
