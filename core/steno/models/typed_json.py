"""Brings back, with a signature's help, what JSON has no types for: moments, bytes, widths and missing integers."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import zip_longest
from typing import Any

from steno.models.signature import ColSpec, Schema, TensorSpec
from steno.models.types import Array, DataType, Map, Object, Type

_WIDTHS = {
    DataType.integer: "int32",
    DataType.long: "int64",
    DataType.float: "float32",
    DataType.double: "float64",
    DataType.boolean: "bool",
}


def value(content: Any, schema: Schema | None) -> Any:
    """Return plain data as its schema says: a dict by name, a list element by element."""
    specs = [spec for spec in schema or () if isinstance(spec, ColSpec)]
    if not specs:
        return content
    if specs[0].name is None:
        kind = specs[0].type
        return [_typed(each, kind) for each in content] if isinstance(content, list) else _typed(content, kind)
    kinds = {spec.name: spec.type for spec in specs}
    if isinstance(content, list):
        return [_by_name(row, kinds) if isinstance(row, Mapping) else row for row in content]
    return _by_name(content, kinds) if isinstance(content, Mapping) else content


def table(content: Mapping[str, Any], schema: Schema | None) -> Any:
    """Return a DataFrame of the rows in `data`, its columns as the schema declares them, by name or else by place.

    Raises:
        KeyError, TypeError, ValueError, IndexError: It is not of that form.
    """
    import pandas as pd

    rows, names = content["data"], content.get("columns")
    if not rows:
        return pd.DataFrame(rows, columns=names)
    if len({len(row) for row in rows}) > 1:
        raise ValueError("its rows are not of one length")
    frame = pd.DataFrame(rows)
    # JSON has no tuples: a header of several levels comes as lists.
    frame.columns = frame.columns if names is None else [tuple(n) if isinstance(n, list) else n for n in names]
    kinds = dict(_kinds(schema, list(frame.columns)))
    columns = [
        _column([row[at] for row in rows], kinds[name]) if name in kinds else frame.iloc[:, at]
        for at, name in enumerate(frame.columns)
    ]
    return pd.concat(columns, axis=1, keys=list(frame.columns))


def _kinds(schema: Schema | None, names: list[Any]) -> Iterator[tuple[Any, Type]]:
    for spec, name in zip_longest(schema or (), names):
        if isinstance(spec, ColSpec):
            yield (name if spec.name is None else spec.name), spec.type


def array(content: Any, spec: TensorSpec | None) -> Any:
    """Return an array of nested lists, of the spec's dtype; without one of what numpy makes of them."""
    import numpy as np

    if spec is None:
        return np.array(content)
    if spec.type == "bytes":
        kind: Type = DataType.binary
        for _ in spec.shape:
            kind = Array(kind)
        return np.array(_typed(content, kind))
    found = np.array(content, dtype=None if spec.type == "str" else spec.type)
    if found.ndim < len(spec.shape) and not found.size:  # nested lists without elements do not tell all lengths
        return found.reshape(len(found), *(max(length, 0) for length in spec.shape[1:]))
    return found


def _by_name(row: Mapping[str, Any], kinds: Mapping[Any, Type]) -> dict[str, Any]:
    return {name: _typed(each, kinds[name]) if name in kinds else each for name, each in row.items()}


def _column(values: list[Any], kind: Type) -> Any:
    """Return a Series of a type; where values are not what JSON has for it, of the values as they are."""
    import numpy as np
    import pandas as pd

    # Of texts alone pandas makes its own kind of column; of numbers with gaps it would make other numbers.
    dtype = (
        None if kind is DataType.string and all(each is None or isinstance(each, str) for each in values) else object
    )
    plain = pd.Series([_typed(each, kind) for each in values], dtype=dtype)
    gaps = any(each is None for each in values)
    if not isinstance(kind, DataType) or kind in (DataType.string, DataType.binary):
        return plain
    of_kind = {DataType.boolean: bool, DataType.datetime: str}.get(kind, (int, float))
    fits = (
        each is None or (isinstance(each, of_kind) and isinstance(each, bool) == (of_kind is bool)) for each in values
    )
    if not all(fits) or (gaps and kind is DataType.boolean):
        return plain
    width = _WIDTHS.get(kind, "")
    try:
        if kind is DataType.datetime:
            return pd.to_datetime(pd.Series(values), format="ISO8601")
        with np.errstate(over="ignore"):  # infinite where it is too large for a float, as to MLflow's readers
            return pd.Series(values, dtype=width.capitalize() if gaps and "int" in width else width)
    except (ValueError, TypeError, OverflowError):  # 1.5 where an integer is declared
        return plain


def _typed(value: Any, kind: Type) -> Any:
    if value is None:
        return None
    if isinstance(kind, Array) and isinstance(value, list):
        return [_typed(each, kind.dtype) for each in value]
    if isinstance(kind, Map) and isinstance(value, Mapping):
        return {key: _typed(each, kind.value_type) for key, each in value.items()}
    if isinstance(kind, Object) and isinstance(value, Mapping):
        return _by_name(value, {each.name: each.dtype for each in kind.properties})
    if kind is DataType.binary and isinstance(value, str):
        return base64.b64decode(value)
    if kind is DataType.datetime and isinstance(value, str):
        return _moment(value)
    return value


def _moment(text: str) -> datetime | str | None:
    try:
        return None if text == "NaT" else datetime.fromisoformat(text)
    except ValueError:  # who asks for a moment says that it is none
        return text
