"""Brings the columns of a request's table to their declared types: numbers come as text, flags as 0 and 1.

Only what is the same value in both forms is taken. MLflow's scoring server also cuts fractions off, wraps integers that
are too large, and takes any text for true; those are left as they are, for the signature to refuse.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from steno.errors import InvalidValue
from steno.models import frames
from steno.models.signature import ColSpec, Schema, TensorSpec
from steno.models.types import DataType

_NUMBERS = {
    DataType.integer: "int32",
    DataType.long: "int64",
    DataType.float: "float32",
    DataType.double: "float64",
}


def cast(inputs: Any, schema: Schema | None) -> Any:
    """Return a table whose columns are brought to their types, in place; anything else as it is.

    Raises:
        InvalidValue: A column holds what is none of its type.
    """
    if schema is None or not frames.is_dataframe(inputs):
        return inputs
    for name, kind in _declared(schema, list(inputs.columns)):
        column = inputs[name]
        if getattr(column, "ndim", 1) > 1:  # given twice, which is told later
            continue
        if kind in _NUMBERS.values():
            inputs[name] = _number(column, kind)
        elif kind is DataType.boolean:
            inputs[name] = _flag(column)
        elif kind is DataType.string:
            inputs[name] = _text(column)
        elif kind is DataType.datetime:
            _check_moment(column)
    return inputs


def _declared(schema: Schema, names: list[Any]) -> Iterator[tuple[Any, Any]]:
    """Yield each column's name and type, of numbers numpy's name; an array's columns are all of its dtype."""
    for spec, name in zip_longest(schema, names):
        if isinstance(spec, ColSpec):
            known = name if spec.name is None else spec.name
            if known in names and isinstance(spec.type, DataType):
                yield known, _NUMBERS.get(spec.type, spec.type)
    only = schema.inputs[0]
    if isinstance(only, TensorSpec) and len(schema) == 1 and only.name is None and only.type in _NUMBERS.values():
        yield from ((name, only.type) for name in names)


def _number(column: Any, dtype: str) -> Any:
    if column.dtype.kind in "iuf":  # also with gaps; whether it is wide enough is told later
        return column
    import numpy as np

    try:
        with np.errstate(over="ignore"):  # infinite where it is too large for a float, as to MLflow's server
            found = column.astype(dtype)
        changed = [each for each, number in zip(column, found, strict=True) if _differs(each, number)]
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidValue(f"column {column.name!r} takes {dtype}: {error}") from error
    if changed and dtype != "float32":
        raise InvalidValue(f"column {column.name!r} takes {dtype}, and {changed[0]!r} would be changed by that")
    return found


def _differs(given: Any, number: Any) -> bool:
    return not isinstance(given, str) and given is not None and given == given and bool(given != number)


def _flag(column: Any) -> Any:
    whole = column.dtype.kind in "iuf" or column.dtype == object
    if not whole or not all(isinstance(each, (bool, int, float)) and each in (0, 1) for each in column.tolist()):
        return column
    return column.astype("bool")


def _text(column: Any) -> Any:
    import pandas as pd

    values = column.tolist()
    if not any(isinstance(each, (bool, int, float)) and each == each for each in values):
        return column
    texts = [str(each) if isinstance(each, (bool, int, float)) and each == each else each for each in values]
    return pd.Series(texts, column.index, dtype=object)


def _check_moment(column: Any) -> None:
    import pandas as pd

    texts = [each for each in column if isinstance(each, str)]
    try:
        pd.to_datetime(pd.Series(texts, dtype=object), format="ISO8601")
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidValue(f"column {column.name!r} takes a moment: {error}") from error
