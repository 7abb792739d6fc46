"""The result that was asked for, taken from a table of predictions: as MLflow's users know the rules, by type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from msgspec import Struct
from steno.errors import ModelError
from steno.models import frames
from steno.models.types import Array, DataType
from steno.models.value_types import RANGES

NUMPY = {
    DataType.boolean: "bool",
    DataType.integer: "int32",
    DataType.long: "int64",
    DataType.float: "float32",
    DataType.double: "float64",
    DataType.datetime: "datetime64[ns]",
}
_WITH_GAPS = {DataType.boolean: "boolean", DataType.integer: "Int32", DataType.long: "Int64"}
_INTEGERS = (DataType.integer, DataType.long)
_FLOATS = (DataType.float, DataType.double)


class Fields(Struct, frozen=True):
    """Several results by name, in their order: a struct, or the columns of a table."""

    fields: tuple[tuple[str, DataType | Array], ...]


Result: TypeAlias = DataType | Array | Fields


def fitted(table: Any, result: Result) -> Any:
    """Return the result: a Series for one value or list a row, a DataFrame for fields.

    A single value is the leftmost column that has the type without a change of its values, a list all columns that
    have it (or the one whose cells are lists); a field is the column of its name, or at its place where columns have
    none. Text is made of anything.

    Raises:
        ModelError: There is no such column; names what the model predicts, and what could be asked for.
    """
    if isinstance(result, Fields):
        return _fields(table, result)
    if isinstance(result, Array):
        return _lists(table, result)
    for name in table.columns:
        column = _inferred(table[name])
        if _has(column, result):
            return cast(column, result)
    raise _no(table, result)


def cast(column: Any, kind: DataType) -> Any:
    """Return a column as a type; what is missing stays so. Raises: ModelError if a value would change."""
    import pandas as pd

    if kind is DataType.string:
        texts = [None if frames.is_missing(each) else str(each) for each in column.astype(object)]
        return pd.Series(texts, column.index, dtype=object)
    column = _inferred(column)
    if not _has(column, kind) and not (kind in _INTEGERS and _is_within(column, kind)):
        raise ModelError(f"the model predicts {_shown(column)}, which is no {kind}; ask for another result_type")
    if kind is DataType.binary:
        return column
    return column.astype(_WITH_GAPS[kind] if kind in _WITH_GAPS and column.isna().any() else NUMPY[kind])


def _fields(table: Any, wanted: Fields) -> Any:
    import pandas as pd

    names = [name for name, _ in wanted.fields]
    numbered = list(table.columns) == list(range(table.shape[1]))
    if numbered and len(names) == table.shape[1] and not set(names) <= set(table.columns):
        table = table.set_axis(names, axis=1)
    elif numbered:
        table = table.rename(columns=str)
    if missing := [name for name in names if name not in table.columns]:
        raise ModelError(f"the model predicts {_predicted(table)}, and no {', '.join(missing)}")
    found = {}
    for name, kind in wanted.fields:
        one = table[[name]]
        found[name] = _lists(one, kind) if isinstance(kind, Array) else cast(one[name], kind)
    return pd.DataFrame(found)


def _lists(table: Any, wanted: Array) -> Any:
    import pandas as pd

    if table.shape[1] == 1 and _holds_lists(table.iloc[:, 0]):
        of = _element(wanted)
        return pd.Series([None if each is None else of(each) for each in table.iloc[:, 0]], dtype=object)
    kind = wanted.dtype
    if isinstance(kind, DataType):
        columns = [_inferred(table[name]) for name in table.columns]
        if chosen := [column for column in columns if _has(column, kind)]:
            return _rows([cast(column, kind) for column in chosen], kind)
    raise _no(table, wanted)


def _rows(columns: list[Any], kind: DataType) -> Any:
    import numpy as np
    import pandas as pd

    same = all(str(column.dtype) == NUMPY.get(kind) for column in columns)
    matrix = np.column_stack([column.to_numpy() if same else column.astype(object) for column in columns])
    return pd.Series(list(matrix), dtype=object)


def _holds_lists(column: Any) -> bool:
    first: Any = next((each for each in column if each is not None), None) if column.dtype == object else None
    return isinstance(first, list | tuple) or (frames.is_ndarray(first) and first.ndim > 0)


def _element(kind: Any) -> Callable[[Any], Any]:
    """Return what makes a cell, or an element of a list in it, one of a type."""
    if isinstance(kind, Array):
        of = _element(kind.dtype)
        return lambda value: [of(each) for each in value]
    if kind is DataType.string:
        return lambda value: None if frames.is_missing(value) else str(value)
    return lambda value: value.item() if frames.is_numpy_scalar(value) else value


def _inferred(column: Any) -> Any:
    """Return a column of objects as what they all are, beside what is missing."""
    return column.convert_dtypes() if column.dtype == object else column


def _has(column: Any, kind: DataType) -> bool:
    """Whether every value such a column may hold is one of the type, or, of a float, near one."""
    source, size = getattr(column.dtype, "kind", "O"), getattr(column.dtype, "itemsize", 0)
    if kind is DataType.string:
        return True
    if kind in _FLOATS:
        return source in "iuf"
    if kind in _INTEGERS:
        most = 4 if kind is DataType.integer else 8
        return (source == "i" and size <= most) or (source == "u" and size < most)
    if kind is DataType.binary:
        return source == "O" and all(isinstance(each, bytes | type(None)) for each in column)
    return bool(source == ("M" if kind is DataType.datetime else "b"))


def _is_within(column: Any, kind: DataType) -> bool:
    if getattr(column.dtype, "kind", "O") not in "iu":
        return False
    low, high = RANGES[kind]
    return not len(column) or (int(column.min()) >= low and int(column.max()) <= high)


def _no(table: Any, wanted: DataType | Array) -> ModelError:
    said = f"array<{wanted.dtype}>" if isinstance(wanted, Array) else str(wanted)
    return ModelError(
        f"the model predicts {_predicted(table)}, of which nothing is {said}; ask for a result_type that it has, "
        "or for string, which anything becomes"
    )


def _predicted(table: Any) -> str:
    return ", ".join(_shown(table[name]) for name in table.columns) or "nothing"


def _shown(column: Any) -> str:
    name = f"{column.name} " if isinstance(column.name, str) else ""
    return f"{name}({_inferred(column).dtype})"
