"""Enforces column schemas: the container, the names and their order, then each column's type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from steno.errors import InvalidValue
from steno.models import casts, foreign_frames, frames
from steno.models.misfits import misfits
from steno.models.signature import ColSpec, Schema
from steno.models.types import AnyType, Array, DataType, Map, Object

_ROWS = 10  # of one column that are told one by one where they do not fit


def enforce(data: Any, schema: Schema, problems: list[str]) -> Any:
    """Return a DataFrame with the schema's columns; what does not fit is added to the problems.

    Raises:
        InvalidValue: The data cannot be made a table.
    """
    specs = [spec for spec in schema if isinstance(spec, ColSpec)]
    if len(specs) == 1 and specs[0].name is None and isinstance(specs[0].type, AnyType):
        return data  # nothing is known of it, not even that it is a table
    frame = _frame(data, specs)
    places = _positions(frame, specs, problems)
    pairs = [(place, spec) for place, spec in zip(places, specs, strict=True) if place is not None]
    names = list(frame.columns)
    columns = [_cast(frame.iloc[:, place], names[place], spec, problems) for place, spec in pairs]
    return _joined(frame, [place for place, _ in pairs], columns)


def _joined(frame: Any, places: list[int], columns: list[Any]) -> Any:
    import pandas as pd

    kept = frame if places == list(range(frame.shape[1])) else frame.iloc[:, places]
    if not any(column is not None for column in columns):
        return kept
    columns = [kept.iloc[:, at] if column is None else column for at, column in enumerate(columns)]
    joined = pd.concat(columns, axis=1)
    joined.columns = kept.columns
    return joined


def _frame(data: Any, specs: list[ColSpec]) -> Any:
    import pandas as pd

    if frames.is_dataframe(data):
        return data
    if frames.is_series(data):
        return data.to_frame()
    if isinstance(data, Mapping):
        one_row = any(_is_nested(spec) for spec in specs) or all(map(_is_cell, data.values()))
        return _of_rows([data]) if one_row else _built({name: _values(each) for name, each in data.items()})
    if frames.is_ndarray(data):
        if len(specs) == 1 and specs[0].required and specs[0].name is not None:
            return pd.DataFrame({specs[0].name: list(data) if data.ndim > 1 else data})
        return _built(data)
    if isinstance(data, list):
        return _of_list(data, specs)
    if isinstance(data, (str, bytes, int, float, bool)) or frames.is_numpy_scalar(data) or hasattr(data, "isoformat"):
        return pd.DataFrame([data])
    table = foreign_frames.opened(data)
    if table is None:
        raise InvalidValue(f"a DataFrame, Series, array, dict, list or scalar is needed, not {type(data).__name__}")
    return _frame(foreign_frames.as_pandas(table), specs)


def _of_list(data: list[Any], specs: list[ColSpec]) -> Any:
    import pandas as pd

    if data and all(isinstance(row, Mapping) for row in data):
        single = len(specs) == 1 and specs[0].name is None
        return pd.DataFrame({0: pd.Series(data, dtype=object)}) if single else _of_rows(data)
    if len(specs) == 1 and (_is_nested(specs[0]) or all(map(_is_cell, data))):
        return _built({0: _values(data, whole=_is_nested(specs[0]))})
    return _built(data)


def _of_rows(rows: Sequence[Mapping[Any, Any]]) -> Any:
    names = dict.fromkeys(name for row in rows for name in row)
    return _built({name: _values([row.get(name) for row in rows]) for name in names})


def _values(values: Any, *, whole: bool = False) -> Any:
    """Return a column's values so that pandas changes none: integers beside a None would become floats."""
    import pandas as pd

    if not isinstance(values, list):
        return values
    exact = whole or not values or any(each is None or isinstance(each, list | tuple | Mapping) for each in values)
    return pd.Series(values, dtype=object) if exact else values


def _built(data: Any) -> Any:
    import pandas as pd

    try:
        return pd.DataFrame(data)
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidValue(f"these inputs cannot be made into a table: {error}") from error


def _is_nested(spec: ColSpec) -> bool:
    return isinstance(spec.type, (Array, Object, Map))


def _is_cell(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(each, str) for each in value)
    return not frames.is_ndarray(value) and not frames.is_series(value) and not isinstance(value, Mapping)


def _positions(frame: Any, specs: list[ColSpec], problems: list[str]) -> list[int | None]:
    """Return where in the table each declared column is, None for those that are not."""
    if specs[0].name is None:
        if frame.shape[1] < len(specs):
            problems.append(f"the model takes {len(specs)} columns and {frame.shape[1]} were given")
        return [at if at < frame.shape[1] else None for at in range(len(specs))]
    found: dict[Any, list[int]] = {}
    for at, name in enumerate(frame.columns):
        found.setdefault(name, []).append(at)
    names = {spec.name for spec in specs}
    if missing := [spec.name for spec in specs if spec.required and spec.name not in found]:
        extra = [name for name in frame.columns if name not in names]
        problems.append(
            f"the model is missing inputs {missing}" + (f"; there were extra inputs {extra}" if extra else "")
        )
    if twice := [name for name, places in found.items() if name in names and len(places) > 1]:
        problems.append(f"the inputs {twice} were given more than once")
    return [found[spec.name][0] if spec.name in found else None for spec in specs]


def _cast(column: Any, name: Any, spec: ColSpec, problems: list[str]) -> Any:
    """Return a column as it is declared, None where it is so already."""
    where, gaps = f"column {name!r}", not spec.required or spec.name is None  # one without a name cannot be optional
    if isinstance(spec.type, DataType):
        try:
            cast = casts.cast(column, spec.type, where, gaps=gaps)
        except InvalidValue as error:
            problems.append(error.message)
            return None
        return None if cast is column else cast
    rows = enumerate(column)
    wanted = ((row, value) for row, value in rows if not gaps or not frames.is_missing(value))
    wrong = (text for row, value in wanted for text in misfits(value, spec.type, f"{where}, row {row}"))
    told = list(islice(wrong, _ROWS + 1))
    problems += told if len(told) <= _ROWS else [*told[:_ROWS], f"{where} has more that does not fit"]
    return None
