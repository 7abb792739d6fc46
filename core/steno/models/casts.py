"""Casts one pandas column to the type that a signature declares: only where no value of it can change."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

from steno.errors import InvalidValue
from steno.models import foreign_frames, frames
from steno.models.types import DataType
from steno.models.value_types import RANGES, fits

_NUMPY = {
    DataType.boolean: "bool",
    DataType.integer: "int32",
    DataType.long: "int64",
    DataType.float: "float32",
    DataType.double: "float64",
}
_INTEGERS = (DataType.integer, DataType.long)
_ISO = re.compile(r"\d{4}-\d\d")  # pandas would read "" as a gap, and "now" as it says
_EXACT = 2**53  # up to here a double holds every integer


def cast(column: Any, kind: DataType, where: str, *, gaps: bool) -> Any:
    """Return a column of a type: the very one where nothing is to be done.

    Args:
        column: A pandas Series.
        kind: What the signature declares.
        where: Names the column in errors.
        gaps: Values may be missing: then whole numbers that pandas made floats for the sake of a gap are integers.

    Raises:
        InvalidValue: The cast could change a value, or there is none.
    """
    dtype = str(column.dtype)
    if dtype == "category":
        # Kept as it is: the model was trained on categories; only what they are is checked.
        cast(column.cat.categories.to_series(), kind, where, gaps=gaps)
        return column
    if dtype.endswith("[pyarrow]"):
        own = foreign_frames.series(foreign_frames.opened_arrow(column))
        own.index = column.index
        return cast(own.rename(column.name), kind, where, gaps=gaps)
    if kind in (DataType.string, DataType.binary) and (dtype == "object" or _is_text(dtype)):
        return column
    if kind is DataType.datetime:
        return _moments(column, where)
    if dtype == "object":
        return _objects(column, kind, where, gaps=gaps)
    return _numbers(column, kind, where, gaps=gaps)


def _objects(column: Any, kind: DataType, where: str, *, gaps: bool) -> Any:
    if not len(column) and kind in _NUMPY:
        return column.astype(_NUMPY[kind])
    present = column[~column.isna()]
    if not len(present) and gaps:  # nothing but gaps says nothing against any type
        return column
    if kind in _INTEGERS and gaps and all(_is_integer(value) and fits(int(value), kind) for value in present):
        return column.astype(_NUMPY[kind].capitalize() if len(present) < len(column) else _NUMPY[kind])
    if kind is DataType.boolean and all(isinstance(value, bool) for value in present):
        return column
    if kind in (DataType.float, DataType.double) and all(_is_real(value, kind) for value in present):
        return column.where(column.notna(), float("nan")).astype(_NUMPY[kind])
    inferred = column.infer_objects()
    if inferred.dtype != object:
        return _numbers(inferred, kind, where, gaps=gaps)
    if kind is DataType.boolean:  # MLflow's readers let any objects through to a flag
        return column
    raise InvalidValue(_refusal(column, kind, where))


def _is_integer(value: Any) -> bool:
    if frames.is_numpy_scalar(value):
        return bool(value.dtype.kind in "iu")
    return isinstance(value, int) and not isinstance(value, bool)


def _is_real(value: Any, kind: DataType) -> bool:
    if frames.is_numpy_scalar(value):
        return bool(value.dtype.kind == "f" and (kind is DataType.double or value.dtype.itemsize <= 4))
    return kind is DataType.double and isinstance(value, float | Decimal)


def _moments(column: Any, where: str) -> Any:
    import pandas as pd

    kind = column.dtype.kind
    if kind != "M" and column.dtype != object and not _is_text(str(column.dtype)):
        raise InvalidValue(_refusal(column, DataType.datetime, where))
    if kind != "M" and (wrong := [each for each in column if not _is_moment(each)]):
        raise InvalidValue(f"{where} takes datetime, or its ISO text, not {wrong[0]!r}")
    try:
        found = column if kind == "M" else pd.to_datetime(column, format="ISO8601")
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidValue(f"{where} takes datetime, or its ISO text: {error}") from error
    if found.dtype.kind != "M" or getattr(found.dtype, "tz", None) is not None:
        raise InvalidValue(f"{where} has a time zone; a signature's datetime has none: use .dt.tz_localize(None)")
    try:
        return found.astype("datetime64[ns]")
    except pd.errors.OutOfBoundsDatetime:  # before 1677 or after 2262: what is coarser than nanoseconds holds it
        return found


def _is_moment(value: Any) -> bool:
    if isinstance(value, str):
        return _ISO.match(value) is not None
    return (
        isinstance(value, date)
        or (frames.is_numpy_scalar(value) and value.dtype.kind == "M")
        or frames.is_missing(value)
    )


def _numbers(column: Any, kind: DataType, where: str, *, gaps: bool) -> Any:
    target, source = _NUMPY.get(kind, ""), str(column.dtype)
    if source.lower() == target or (source, kind) == ("boolean", DataType.boolean):
        return column
    if gaps and _is_whole(column, kind):
        return column.astype(target.capitalize())
    if kind not in _NUMPY or kind is DataType.boolean or not _widens(column, kind):
        raise InvalidValue(_refusal(column, kind, where))
    # pandas' own types ("Int32") have room for what is missing, which an integer of numpy's has not.
    own = source[0].isupper() and kind in _INTEGERS
    return column.astype(target.capitalize() if own else target)


def _is_whole(column: Any, kind: DataType) -> bool:
    """Whether a column of floats is one of integers with gaps, which numpy has no type for."""
    if kind not in _INTEGERS or column.dtype.kind != "f" or not column.isna().any():
        return False
    present = column.dropna()
    low, high = (max(RANGES[kind][0], -_EXACT), min(RANGES[kind][1], _EXACT))
    return bool(((present % 1 == 0) & (present >= low) & (present <= high)).all())


def _widens(column: Any, kind: DataType) -> bool:
    """Whether no value of the column's dtype can be changed by the cast."""
    source, bits = getattr(column.dtype, "kind", ""), getattr(column.dtype, "itemsize", 0) * 8
    if not bits or source not in "iuf":
        return False
    if kind in _INTEGERS:
        width = 32 if kind is DataType.integer else 64
        return bool((source == "i" and bits <= width) or (source == "u" and bits < width))
    width = 32 if kind is DataType.float else 64
    if source == "f":
        return bool(bits <= width)
    if kind is DataType.double and bits <= 32:
        return True
    # MLflow's readers let a column of zeros and ones through to any float: labels saved as integers.
    return bool(column.dropna().isin((0, 1)).all())


def _is_text(dtype: str) -> bool:
    return dtype in ("str", "string") or dtype.startswith("string[")


def _refusal(column: Any, kind: DataType, where: str) -> str:
    return f"{where} takes {kind}, and {column.dtype} cannot become that without risk to its values"
