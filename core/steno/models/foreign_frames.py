"""Tables of other libraries than pandas (polars, pyarrow, …): what their columns hold, and the same for pandas.

Narwhals reads them all through one interface. It is imported when such a table is met, and it imports none of them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any

from steno.errors import InvalidValue
from steno.models.types import Array, DataType, Object, Property, Type
from steno.models.value_types import merged_type

_TYPES = {
    **dict.fromkeys(("Int8", "Int16", "Int32", "UInt8", "UInt16"), DataType.integer),
    **dict.fromkeys(("Int64", "UInt32"), DataType.long),
    **dict.fromkeys(("Float16", "Float32"), DataType.float),
    **dict.fromkeys(("Float64", "Decimal"), DataType.double),
    **dict.fromkeys(("String", "Categorical", "Enum"), DataType.string),
    **dict.fromkeys(("Date", "Datetime"), DataType.datetime),
    "Boolean": DataType.boolean,
    "Binary": DataType.binary,
}
# Who reads a table that takes part in Arrow's exchange of memory, and has no interface that Narwhals knows.
_ARROW_READERS = ("pyarrow", "polars")


def opened(value: Any) -> Any:
    """Return what Narwhals makes of a table or column of any library, None for anything else."""
    if type(value).__module__ == "builtins":
        return None
    import narwhals.stable.v2 as narwhals  # whose names and meanings stay

    found: Any = narwhals.from_native(value, pass_through=True, allow_series=True)  # itself where it is no table
    if found is not value:
        return found
    reader: Any = next((name for name in _ARROW_READERS if name in sys.modules), None)
    if reader is None or not hasattr(type(value), "__arrow_c_stream__") or not hasattr(value, "schema"):
        return None
    return narwhals.from_arrow(value, backend=reader)


def opened_arrow(series: Any) -> Any:
    """Return what Narwhals makes of the Arrow array in a pandas Series, without pandas' views of its values."""
    import narwhals.stable.v2 as narwhals  # whose names and meanings stay
    import pyarrow

    found = pyarrow.array(series.array)
    return narwhals.from_native(
        found if hasattr(found, "chunks") else pyarrow.chunked_array([found]), series_only=True, allow_series=True
    )


def is_table(found: Any) -> bool:
    """Whether what `opened` returned is a table; a column has no columns."""
    return hasattr(found, "columns")


def described(found: Any) -> Iterator[tuple[str | None, Type, bool]]:
    """Yield name, type and whether nothing is missing, for each column of a table, or for one column.

    Of a table that is not computed yet only the declared types are read.

    Raises:
        InvalidValue: A column of a type that has no place in a signature.
    """
    if not is_table(found):
        yield found.name or None, column_type(found), not found.null_count() or not found.name
    elif hasattr(found, "collect"):
        for name, dtype in found.collect_schema().items():
            yield name, _type(dtype, ()), True
    else:
        for name in found.columns:
            yield name, column_type(found[name]), not found[name].null_count()


def column_type(column: Any) -> Type:
    """Return the type of a column as its library declares it. Raises: InvalidValue."""
    return _type(column.dtype, column)


def as_pandas(found: Any) -> Any:
    """Return a pandas DataFrame, or Series of a column, with the same values. No value is changed.

    Integers and flags with gaps become pandas' nullable types, nested values Python's, dates objects.
    """
    import pandas as pd

    if not is_table(found):
        return series(found).rename(found.name or None)
    table = found.collect() if hasattr(found, "collect") else found
    return pd.DataFrame({name: series(table[name]) for name in table.columns}, columns=table.columns)


def series(column: Any) -> Any:
    """Return a pandas Series, numbered from 0, with a column's values."""
    import pandas as pd

    dtype, kind = column.dtype, str(column.dtype.base_type().__name__)
    if kind in ("Categorical", "Enum"):
        return pd.Series(pd.Categorical(column.to_list(), categories=column.cat.get_categories().to_list()))
    if dtype.is_float() or (dtype.is_integer() and "128" not in kind) or kind == "Boolean":
        gaps = not dtype.is_float() and column.null_count()  # numpy's floats have NaN for what is missing
        return pd.Series(_with_gaps(column) if gaps else column.to_numpy())
    if kind == "Datetime":
        moments = pd.Series(column.to_numpy())
        return moments if dtype.time_zone is None else moments.dt.tz_localize("UTC").dt.tz_convert(dtype.time_zone)
    text = kind == "String" and column.len() > 0
    return pd.Series(column.to_list(), dtype=None if text else object)


def _with_gaps(column: Any) -> Any:
    """Return pandas' own array of integers or flags of which some are missing."""
    import numpy as np
    import pandas as pd

    gaps, present = column.is_null().to_numpy(), column.drop_nulls().to_numpy()
    flags = column.dtype.is_integer() is False
    values = np.zeros(len(gaps), bool if flags else str(column.dtype.base_type().__name__).lower())
    values[~gaps] = present
    return (pd.arrays.BooleanArray if flags else pd.arrays.IntegerArray)(values, np.array(gaps))


def _type(dtype: Any, values: Iterable[Any]) -> Type:
    """Return the type of a declared one; the values tell which properties of a struct may be missing."""
    name = str(dtype.base_type().__name__)
    if name in ("List", "Array"):
        return Array(_type(dtype.inner, (each for value in values if value is not None for each in value)))
    if name == "Struct":
        rows = [value for value in values if value is not None]
        fields = ((each.name, each.dtype, [row[each.name] for row in rows]) for each in dtype.fields)
        return Object([Property(name, _type(inner, cells), None not in cells) for name, inner, cells in fields])
    if name in ("Object", "Unknown"):  # a column of nothing but nulls is one: its values tell nothing either
        return merged_type(value for value in values if value is not None)
    try:
        return _TYPES[name]
    except KeyError:
        raise InvalidValue(f"columns of type {dtype} have no place in a signature") from None
