"""What is asked, in each of the types of content that a request may have: JSON, CSV, Parquet."""

from __future__ import annotations

import io
from email.message import Message
from typing import Any

import msgspec
from steno.errors import InvalidValue
from steno.models import serving_input
from steno.models.signature import ColSpec, Schema
from steno.models.types import DataType

JSON, CSV, PARQUET = "application/json", "text/csv", "application/vnd.apache.parquet"


class UnknownContent(InvalidValue):
    """The type of a request's content is none that is read here."""


class Asked(msgspec.Struct):
    """One request.

    Attributes:
        inputs, params: As `predict` takes them.
        wrapped: Whether the answer stands under its key.
        checked: Whether the inputs are known to be as the signature declares them.
    """

    inputs: Any
    params: dict[str, Any] | None = None
    wrapped: bool = True
    checked: bool = False


def media_type(header: str) -> str:
    """Return the type a header names. Raises: UnknownContent where it is none of ours, or not in UTF-8."""
    message = Message()
    message["content-type"] = header
    kind = message.get_content_type() if header.strip() else ""
    if kind not in _READERS:
        raise UnknownContent(f"the content type {header!r} is not read here; there are {', '.join(_READERS)}")
    named = {name.lower(): value for name, value in (message.get_params() or [])[1:]}
    others = sorted(set(named) - {"charset"})
    if others:
        raise UnknownContent(f"the content type has no parameter {', '.join(others)}, only charset=utf-8")
    if str(named.get("charset", "utf-8")).lower() not in ("utf-8", "utf8"):
        raise UnknownContent(f"content in {named['charset']} is not read here; send UTF-8")
    return kind


def read(kind: str, body: bytes, schema: Schema | None) -> Asked:
    """Return what a body asks. Raises: InvalidValue for what is not of its kind's form."""
    return _READERS[kind](body, schema)


def _json(body: bytes, schema: Schema | None) -> Asked:
    inputs, params = serving_input.parse(body, schema)
    return Asked(
        inputs, params, wrapped=not (isinstance(inputs, dict) and any(key in inputs for key in serving_input.TALKS))
    )


def _csv(body: bytes, schema: Schema | None) -> Asked:
    import pandas as pd

    try:
        frame = pd.read_csv(io.BytesIO(body), dtype=csv_types(schema))
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidValue(f"the CSV cannot be read: {str(error).strip()}") from error
    return Asked(with_moments(frame, schema))


def csv_types(schema: Schema | None) -> dict[Any, str] | None:
    """Return how columns of text are read, None where the schema does not say."""
    kinds = {each.name: _CSV_TYPES.get(each.type) for each in _columns(schema) if isinstance(each.type, DataType)}
    return {name: kind for name, kind in kinds.items() if kind} or None


def with_moments(frame: Any, schema: Schema | None) -> Any:
    """Return a table that was read from text, its moments as such. Raises: InvalidValue."""
    for each in _columns(schema):
        if each.type is DataType.datetime and each.name in frame:
            frame[each.name] = _moments(frame[each.name], str(each.name))
    return frame


def _parquet(body: bytes, schema: Schema | None) -> Asked:
    import pandas as pd

    try:
        return Asked(pd.read_parquet(io.BytesIO(body)))
    except ImportError as error:
        raise UnknownContent("Parquet is read by pyarrow, which is not installed here") from error
    except Exception as error:  # advice: readers of Parquet raise what they like for a body that is none
        raise InvalidValue(f"the Parquet cannot be read: {error}") from error


def _moments(column: Any, name: str) -> Any:
    import pandas as pd

    try:
        return pd.to_datetime(column)
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidValue(f"column {name!r} holds what is no moment: {error}") from error


def _columns(schema: Schema | None) -> list[ColSpec]:
    return [each for each in schema or () if isinstance(each, ColSpec) and each.name is not None]


_CSV_TYPES = {
    DataType.boolean: "bool",
    DataType.integer: "int32",
    DataType.long: "int64",
    DataType.float: "float32",
    DataType.double: "float64",
    DataType.string: "object",
}
_READERS = {JSON: _json, CSV: _csv, PARQUET: _parquet}
