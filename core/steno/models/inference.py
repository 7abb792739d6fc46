"""Infers schemas from samples of a model's inputs and outputs."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import date
from functools import reduce
from typing import Any

from steno.errors import InvalidValue
from steno.models import frames
from steno.models.signature import ColSpec, ParamSchema, ParamSpec, Schema, TensorSpec
from steno.models.types import AnyType, Array, DataType, Object, Property, Type

logger = logging.getLogger("steno.models")

_ANY = AnyType()
_SCALARS: tuple[tuple[type, DataType], ...] = (
    (bool, DataType.boolean),  # before int, whose subclass it is
    (int, DataType.long),
    (float, DataType.double),
    (str, DataType.string),
    (bytes, DataType.binary),
    (bytearray, DataType.binary),
    (date, DataType.datetime),
)
_DTYPES = {
    **dict.fromkeys(("int8", "int16", "int32", "uint8", "uint16"), DataType.integer),
    **dict.fromkeys(("int64", "uint32"), DataType.long),
    **dict.fromkeys(("float16", "float32"), DataType.float),
    "float64": DataType.double,
    "bool": DataType.boolean,
    "boolean": DataType.boolean,
    "str": DataType.string,
    "string": DataType.string,
}


def infer_schema(sample: Any, what: str) -> Schema:
    """Describe a sample; `what` names it in the log if it can only be described as `any`."""
    try:
        return _schema(frames.arrayed(sample))
    except InvalidValue as error:
        logger.warning("the schema of the model's %s is `any`, which checks nothing: %s", what, error.message)
        return Schema([ColSpec(_ANY)])


def infer_params(params: Mapping[str, Any]) -> ParamSchema:
    """Describe params by their defaults. Raises: InvalidValue."""
    if not isinstance(params, Mapping):
        raise InvalidValue(f"params are a dict of defaults by name, not {type(params).__name__}")
    return ParamSchema(_param(str(name), default) for name, default in params.items())


def _schema(sample: Any) -> Schema:
    if frames.is_dataframe(sample):
        return Schema([_column(sample[name], name) for name in sample.columns])
    if frames.is_series(sample):
        return Schema([_column(sample, sample.name)])
    if frames.is_ndarray(sample) or frames.is_sparse(sample):
        return Schema([_tensor(sample)])
    if isinstance(sample, Mapping):
        return _schema_of_dict(sample)
    if isinstance(sample, list) and sample and all(isinstance(row, Mapping) for row in sample):
        properties = _as_object(_merged(map(value_type, sample))).properties
        return Schema([ColSpec(prop.type, name, prop.required) for name, prop in properties.items()])
    if isinstance(sample, list):
        return Schema([ColSpec(_merged(map(value_type, sample)) if sample else DataType.string)])
    return Schema([ColSpec(value_type(sample))])


def _schema_of_dict(sample: Mapping[Any, Any]) -> Schema:
    if not sample:
        raise InvalidValue("an empty dict says nothing")
    if all(frames.is_ndarray(value) for value in sample.values()):
        return Schema([_tensor(value, name) for name, value in sample.items()])
    return Schema([ColSpec(value_type(value), name, value is not None) for name, value in sample.items()])


def _tensor(array: Any, name: str | None = None) -> TensorSpec:
    # The first axis counts the rows, which are as many as the caller gives.
    return TensorSpec(array.dtype, (-1, *array.shape[1:]), name)


def _column(series: Any, name: Any) -> ColSpec:
    present = series[~series.isna()]
    required = name is None or len(present) == len(series)
    if str(series.dtype) == "category":
        return ColSpec(_column(series.cat.categories.to_series(), None).type, name, required)
    kind: Type | None = _dtype_type(series.dtype)
    if kind is None:  # objects: what they are is seen only by looking at each
        kind = _merged(map(value_type, present)) if len(series) else DataType.string
    return ColSpec(kind, name, required)


def _dtype_type(dtype: Any) -> DataType | None:
    """Return the type of a column's dtype, None for objects. Raises: InvalidValue."""
    name = str(dtype)
    if name == "object":
        return None
    if name.startswith("datetime64"):
        return DataType.datetime
    # The nullable types of pandas ("Int64", "string[python]") differ from numpy's by case or by an addition.
    kind = _DTYPES.get(name.partition("[")[0].lower())
    if kind is None:
        raise InvalidValue(f"columns of type {name} have no place in a signature")
    return kind


def value_type(value: Any) -> Type:
    """Return the type of one value. Raises: InvalidValue."""
    if frames.is_ndarray(value):
        value = value.tolist() if value.dtype == object or value.ndim > 1 else list(value)
    if isinstance(value, Mapping):
        return Object({str(k): Property(value_type(v)) for k, v in value.items()}) if value else _ANY
    if isinstance(value, list):
        return Array(_merged(map(value_type, value))) if value else _ANY
    return _scalar_type(value)


def _scalar_type(value: Any) -> Type:
    if value is None or (frames.is_missing(value) and not isinstance(value, float)):
        return _ANY
    if frames.is_numpy_scalar(value):
        return _dtype_type(value.dtype) or _ANY if value.dtype.kind not in "US" else _text_type(value.dtype.kind)
    for python_type, kind in _SCALARS:
        if isinstance(value, python_type):
            return kind
    raise InvalidValue(f"values of type {type(value).__name__} have no place in a signature")


def _text_type(kind: str) -> DataType:
    return DataType.string if kind == "U" else DataType.binary


def _merged(kinds: Iterable[Type]) -> Type:
    nothing: Type = _ANY
    return reduce(_merge, kinds, nothing)


def _merge(a: Type, b: Type) -> Type:
    """Return the type that covers both. Raises: InvalidValue."""
    if a == b or isinstance(b, AnyType):
        return a
    if isinstance(a, AnyType):
        return b
    if isinstance(a, Array) and isinstance(b, Array):
        return Array(_merge(a.items, b.items))
    if isinstance(a, Object) and isinstance(b, Object):
        return _merge_objects(a, b)
    raise InvalidValue(f"values of several types in one place: {_name(a)} and {_name(b)}")


def _merge_objects(a: Object, b: Object) -> Object:
    merged = {}
    for name in {**a.properties, **b.properties}:
        here, there = a.properties.get(name), b.properties.get(name)
        if here and there:
            # A value that is None in one of them says that it may be missing, as an absent one does.
            known = not isinstance(here.type, AnyType) and not isinstance(there.type, AnyType)
            required = here.required and there.required and (known or here.type == there.type)
            merged[name] = Property(_merge(here.type, there.type), required)
        elif only := here or there:
            merged[name] = Property(only.type, False)
    return Object(merged)


def _as_object(kind: Type) -> Object:
    if isinstance(kind, Object):
        return kind
    raise InvalidValue("a list of empty dicts says nothing")


def _name(kind: Type) -> str:
    return str(kind) if isinstance(kind, DataType) else type(kind).__name__.lower()


def _param(name: str, default: Any) -> ParamSpec:
    try:
        return _described(name, default.tolist() if frames.is_ndarray(default) else default)
    except InvalidValue as error:
        raise InvalidValue(f"param {name!r}: {error.message}; its default is {default!r}") from error


def _described(name: str, default: Any) -> ParamSpec:
    if isinstance(default, (list, tuple)):
        items = _merged(map(value_type, default)) if default else DataType.string
        if not isinstance(items, DataType):
            raise InvalidValue("a list holds scalars of one type")
        return ParamSpec(name, items, list(default), (-1,))
    kind = value_type(default)
    if not isinstance(kind, (DataType, Object)):
        raise InvalidValue("a scalar, a list or a dict is needed, to tell its type")
    return ParamSpec(name, kind, default)
