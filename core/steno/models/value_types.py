"""The type of one value, and the one type that covers many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import reduce
from typing import Any

from steno.errors import InvalidValue
from steno.models import frames
from steno.models.types import AnyType, Array, DataType, Object, Property, Type

ANY = AnyType()
_EMPTY_LIST = Array(AnyType("unseen"))  # covered by any list, and by nothing else
RANGES = {DataType.integer: (-(2**31), 2**31 - 1), DataType.long: (-(2**63), 2**63 - 1)}
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


def merged_type(values: Iterable[Any]) -> Type:
    """Return the type that covers all values; `any` for none. Raises: InvalidValue if there is none."""
    return _settled(_merged(values))


def value_type(value: Any) -> Type:
    """Return the type of one value; an empty list or dict tells none. Raises: InvalidValue."""
    return _settled(_type(value))


def _settled(kind: Type) -> Type:
    """Return a type with `any` for lists and dicts of which all that were seen are empty."""
    if isinstance(kind, Array):
        return ANY if kind == _EMPTY_LIST else Array(_settled(kind.dtype))
    if isinstance(kind, Object):
        properties = [Property(each.name, _settled(each.dtype), each.required) for each in kind.properties]
        return Object(properties) if properties else ANY
    return kind


def _merged(values: Iterable[Any]) -> Type:
    nothing: Type = ANY
    return reduce(_merge, map(_type, values), nothing)


def _type(value: Any) -> Type:
    if frames.is_ndarray(value):
        return _array_type(value)
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise InvalidValue(f"a dict with keys that are no text has no place in a signature: {list(value)[:5]}")
        return Object([Property(key, _type(each)) for key, each in value.items()])
    if isinstance(value, list):
        return Array(_merged(value)) if value else _EMPTY_LIST
    return _scalar_type(value)


def dtype_type(dtype: Any) -> DataType | None:
    """Return the type of numpy's or pandas' dtype, None for objects. Raises: InvalidValue."""
    name = str(dtype)
    if name == "object":
        return None
    if name.startswith(("datetime64", "<M8")):
        return DataType.datetime
    if getattr(dtype, "kind", "") in ("U", "S"):
        return DataType.string if dtype.kind == "U" else DataType.binary
    # The nullable types of pandas ("Int64", "string[python]") differ from numpy's by case or by an addition.
    kind = _DTYPES.get(name.partition("[")[0].lower())
    if kind is None:
        raise InvalidValue(f"columns of type {name} have no place in a signature")
    return kind


def _array_type(array: Any) -> Type:
    if array.dtype == object:
        return _type(array.tolist())
    if not array.size:
        return _EMPTY_LIST
    kind: Type = dtype_type(array.dtype) or ANY
    for _ in array.shape:
        kind = Array(kind)
    return kind


def _scalar_type(value: Any) -> Type:
    if value is None or (frames.is_missing(value) and not isinstance(value, float | Decimal)):
        return ANY
    if frames.is_numpy_scalar(value):
        return dtype_type(value.dtype) or ANY
    for python_type, kind in _SCALARS:
        if isinstance(value, python_type):
            if kind is DataType.long and isinstance(value, int) and not fits(value, kind):
                raise InvalidValue("an integer of more than 64 bits has no place in a signature")
            return kind
    raise InvalidValue(f"values of type {type(value).__name__} have no place in a signature")


def fits(number: int, kind: DataType) -> bool:
    """Whether an integer is within an integer type's range."""
    low, high = RANGES[kind]
    return low <= number <= high


def _merge(a: Type, b: Type) -> Type:
    """Return the type that covers both. Raises: InvalidValue."""
    if a == b or isinstance(b, AnyType):
        return a
    if isinstance(a, AnyType):
        return b
    if isinstance(a, Array) and isinstance(b, Array):
        return Array(_merge(a.dtype, b.dtype))
    if isinstance(a, Object) and isinstance(b, Object):
        return _merge_objects(a, b)
    raise InvalidValue(f"values of several types in one place: {_name(a)} and {_name(b)}")


def _merge_objects(a: Object, b: Object) -> Object:
    left, right = ({each.name: each for each in kind.properties} for kind in (a, b))
    merged = []
    for name in {**left, **right}:
        here, there = left.get(name), right.get(name)
        if here and there:
            # A value that is None in one of them says that it may be missing, as an absent one does.
            known = not isinstance(here.dtype, AnyType) and not isinstance(there.dtype, AnyType)
            required = here.required and there.required and (known or here.dtype == there.dtype)
            merged.append(Property(name, _merge(here.dtype, there.dtype), required))
        elif only := here or there:
            merged.append(Property(name, only.dtype, False))
    return Object(merged)


def _name(kind: Type) -> str:
    return str(kind) if isinstance(kind, DataType) else type(kind).__name__.lower()
