"""Enforces column schemas: the container, the names and their order, then each column's type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steno.errors import InvalidValue
from steno.models import frames
from steno.models.inference import value_type
from steno.models.signature import ColSpec, Schema
from steno.models.types import AnyType, Array, DataType, Map, Object, Type

_KINDS = {
    DataType.boolean: "bool",
    DataType.integer: "int32",
    DataType.long: "int64",
    DataType.float: "float32",
    DataType.double: "float64",
    DataType.string: "str",
    DataType.binary: "bytes",
    DataType.datetime: "datetime64[ns]",
}


def enforce(data: Any, schema: Schema) -> Any:
    """Return a DataFrame with the schema's columns. Raises: InvalidValue."""
    specs = [spec for spec in schema if isinstance(spec, ColSpec)]
    frame = _frame(data, specs)
    names = _positional(frame, specs) if specs[0].name is None else _named(frame, specs)
    pairs = [(name, spec) for name, spec in zip(names, specs, strict=True) if name in frame.columns]
    return _cast_all(frame, pairs) if pairs else frame[[]]


def checked(value: Any, kind: Type, where: str) -> Any:
    """Return a value if it is of a type, element by element. Raises: InvalidValue."""
    if isinstance(kind, AnyType):
        return value
    if isinstance(kind, Array):
        if not isinstance(value, (list, tuple)) and not frames.is_ndarray(value):
            raise InvalidValue(f"{where} takes a list, not {type(value).__name__}")
        for each in value:
            checked(each, kind.items, where)
    elif isinstance(kind, Map):
        for key, each in _dict(value, where).items():
            if not isinstance(key, str):
                raise InvalidValue(f"{where} takes text as keys, not {key!r}")
            checked(each, kind.values, where)
    elif isinstance(kind, Object):
        _check_object(_dict(value, where), kind, where)
    elif not _is_scalar(value, kind):
        raise InvalidValue(f"{where} takes {kind}, not {value!r}")
    return value


def _check_object(value: Mapping[Any, Any], kind: Object, where: str) -> None:
    if unknown := sorted(str(name) for name in value if name not in kind.properties):
        raise InvalidValue(f"{where} has properties the signature does not declare: {', '.join(unknown)}")
    for name, prop in kind.properties.items():
        if name not in value:
            if prop.required:
                raise InvalidValue(f"{where} lacks the property {name!r}")
        elif value[name] is not None or prop.required:
            checked(value[name], prop.type, f"{where}, property {name!r}")


def _dict(value: Any, where: str) -> Mapping[Any, Any]:
    if isinstance(value, Mapping):
        return value
    raise InvalidValue(f"{where} takes a dict, not {type(value).__name__}")


def _is_scalar(value: Any, kind: DataType) -> bool:
    if frames.is_missing(value):
        return True
    try:
        found = value_type(value)
    except InvalidValue:
        return False
    if isinstance(value, (int, float)) and not isinstance(value, bool) and not frames.is_numpy_scalar(value):
        # A Python number has no width: a list that came as JSON must fit a narrower declaration too.
        wide = {DataType.integer: DataType.long, DataType.float: DataType.double}
        return found == wide.get(kind, kind)
    return found == kind


def _frame(data: Any, specs: list[ColSpec]) -> Any:
    import pandas as pd

    if frames.is_dataframe(data):
        return data
    if frames.is_series(data):
        return data.to_frame()
    if isinstance(data, Mapping):
        one_row = any(isinstance(s.type, (Array, Object, Map)) for s in specs) or all(map(_is_cell, data.values()))
        return pd.DataFrame([data]) if one_row else _built(dict(data))
    required = [spec for spec in specs if spec.required]
    if frames.is_ndarray(data) and len(specs) == 1 and len(required) == 1 and specs[0].name is not None:
        values = list(data) if data.ndim > 1 else data
        return pd.DataFrame({specs[0].name: values})
    if frames.is_ndarray(data) or isinstance(data, list):
        return _built(data)
    if isinstance(data, (str, bytes, int, float, bool)) or frames.is_numpy_scalar(data) or hasattr(data, "isoformat"):
        return pd.DataFrame([data])
    raise InvalidValue(f"a DataFrame, Series, array, dict, list or scalar is needed, not {type(data).__name__}")


def _built(data: Any) -> Any:
    import pandas as pd

    try:
        return pd.DataFrame(data)
    except (ValueError, TypeError) as error:
        raise InvalidValue(f"these inputs cannot be made into a table: {error}") from error


def _is_cell(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(each, str) for each in value)
    return not frames.is_ndarray(value) and not frames.is_series(value) and not isinstance(value, Mapping)


def _positional(frame: Any, specs: list[ColSpec]) -> list[Any]:
    if frame.shape[1] < len(specs):
        raise InvalidValue(f"the model takes {len(specs)} columns and {frame.shape[1]} were given")
    return list(frame.columns[: len(specs)])


def _named(frame: Any, specs: list[ColSpec]) -> list[Any]:
    names = [spec.name for spec in specs]
    missing = [spec.name for spec in specs if spec.required and spec.name not in frame.columns]
    if missing:
        extra = [name for name in frame.columns if name not in names]
        note = f"; there were extra inputs {extra}" if extra else ""
        raise InvalidValue(f"the model is missing inputs {missing}{note}")
    twice = [name for name in names if list(frame.columns).count(name) > 1]
    if twice:
        raise InvalidValue(f"the inputs {twice} were given more than once")
    return names


def _cast_all(frame: Any, pairs: list[tuple[Any, ColSpec]]) -> Any:
    import pandas as pd

    cast = [_cast(frame[name], name, spec) for name, spec in pairs]
    return pd.concat(cast, axis=1, keys=[name for name, _ in pairs])


def _cast(column: Any, name: Any, spec: ColSpec) -> Any:
    where = f"column {name!r}"
    if isinstance(spec.type, DataType):
        return _cast_scalars(column, spec.type, where)
    for value in column:
        if spec.required or not frames.is_missing(value):
            checked(value, spec.type, where)
    return column


def _cast_scalars(column: Any, kind: DataType, where: str) -> Any:
    dtype = column.dtype
    if str(dtype) == "category":
        # Kept as it is: the model was trained on categories; only what they are is checked.
        _cast_scalars(column.cat.categories.to_series(), kind, where)
        return column
    if kind in (DataType.string, DataType.binary) and (str(dtype) == "object" or _is_text(dtype)):
        return column
    if kind is DataType.datetime:
        return _cast_moments(column, where)
    if str(dtype) == "object":
        return _cast_objects(column, kind, where)
    return _cast_numbers(column, kind, where)


def _cast_objects(column: Any, kind: DataType, where: str) -> Any:
    inferred = column.infer_objects()
    if inferred.dtype != object:
        return _cast_numbers(inferred, kind, where)
    if kind is DataType.boolean:
        return column
    if kind is DataType.double:  # numbers with None among them
        try:
            return column.astype("float64")
        except (ValueError, TypeError) as error:
            raise InvalidValue(f"{where} takes double: {error}") from error
    raise InvalidValue(_refusal(column, kind, where))


def _cast_moments(column: Any, where: str) -> Any:
    if getattr(column.dtype, "tz", None) is not None:
        raise InvalidValue(f"{where} has a time zone; a signature's datetime has none: use .dt.tz_localize(None)")
    if column.dtype.kind != "M" and column.dtype != object:
        raise InvalidValue(_refusal(column, DataType.datetime, where))
    if column.infer_objects().dtype.kind in "iufb":
        raise InvalidValue(_refusal(column.infer_objects(), DataType.datetime, where))
    try:
        return column.astype("datetime64[ns]")
    except (ValueError, TypeError) as error:
        raise InvalidValue(f"{where} takes datetime: {error}") from error


def _cast_numbers(column: Any, kind: DataType, where: str) -> Any:
    target, source = _KINDS[kind], str(column.dtype)
    if source == target or source.lower() == target or (source, kind) == ("boolean", DataType.boolean):
        return column
    if kind is DataType.boolean or not _fits(column, kind):
        raise InvalidValue(_refusal(column, kind, where))
    return column.astype(target)


def _fits(column: Any, kind: DataType) -> bool:
    """Whether no value of the column's dtype can be changed by the cast."""
    numeric = (DataType.integer, DataType.long, DataType.float, DataType.double)
    nullable = str(column.dtype)[0].isupper()  # pandas' own: numpy's types have no room for what is missing
    if kind not in numeric or nullable or not hasattr(column.dtype, "itemsize"):
        return False
    source, bits = column.dtype.kind, column.dtype.itemsize * 8
    if kind in (DataType.integer, DataType.long):
        width = 32 if kind is DataType.integer else 64
        return bool((source == "i" and bits <= width) or (source == "u" and bits < width))
    width = 32 if kind is DataType.float else 64
    if source == "f":
        return bool(bits <= width)
    if source in "iu" and kind is DataType.double and bits <= 32:
        return True
    # MLflow's readers let a column of zeros and ones through to any float: labels saved as integers.
    return source in "iu" and bool(column.isin((0, 1)).all())


def _is_text(dtype: Any) -> bool:
    return str(dtype) in ("str", "string") or str(dtype).startswith("string[")


def _refusal(column: Any, kind: DataType, where: str) -> str:
    return f"{where} takes {kind}, and {column.dtype} cannot become that without risk to its values"
