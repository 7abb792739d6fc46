"""The types a column or property of a model's input or output may have, and their JSON form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import force_setattr

from steno.errors import InvalidValue


class DataType(StrEnum):
    """Scalars, under MLflow's names: integer is 32 bits, long 64, float 32, double 64."""

    boolean = "boolean"
    integer = "integer"
    long = "long"
    float = "float"
    double = "double"
    string = "string"
    binary = "binary"
    datetime = "datetime"


class AnyType(Struct, frozen=True):
    """No constraint. `name` is "any", or a foreign type that is kept but not checked ("sparkml_vector")."""

    name: str = "any"


class Array(Struct, frozen=True):
    """A list whose elements all have one type."""

    dtype: Type

    def __post_init__(self) -> None:
        force_setattr(self, "dtype", as_type(self.dtype))


class Property(Struct, frozen=True):
    """One property of an object."""

    name: str
    dtype: Type
    required: bool = True

    def __post_init__(self) -> None:
        force_setattr(self, "dtype", as_type(self.dtype))


class Object(Struct, frozen=True):
    """A dict with known keys; equal to another one with the same properties in any order."""

    properties: Sequence[Property]

    def __post_init__(self) -> None:
        found = tuple(sorted(self.properties, key=lambda each: each.name))
        if len({each.name for each in found}) != len(found):
            raise InvalidValue(f"a property appears twice in an object: {[each.name for each in found]}")
        force_setattr(self, "properties", found)


class Map(Struct, frozen=True):
    """A dict with any text as keys and values of one type."""

    value_type: Type

    def __post_init__(self) -> None:
        force_setattr(self, "value_type", as_type(self.value_type))


Type: TypeAlias = DataType | AnyType | Array | Object | Map
"""A type of a column, an element or a property."""

_UNCHECKED = ("any", "sparkml_vector")


def type_to_json(kind: Type) -> dict[str, Any]:
    """Return the JSON object of a type; its keys come first in a column's own object."""
    if isinstance(kind, DataType):
        return {"type": str(kind)}
    if isinstance(kind, Array):
        return {"type": "array", "items": type_to_json(kind.dtype)}
    if isinstance(kind, Map):
        return {"type": "map", "values": type_to_json(kind.value_type)}
    if isinstance(kind, Object):
        properties = kind.properties
        return {
            "type": "object",
            "properties": {each.name: {**type_to_json(each.dtype), "required": each.required} for each in properties},
        }
    return {"type": kind.name}


def type_from_json(value: Mapping[str, Any]) -> Type:
    """Return the type of a JSON object.

    Raises:
        InvalidValue: A type that is not known, or lacks its items, values or properties.
    """
    name = value.get("type")
    if name in _UNCHECKED:
        return AnyType(str(name))
    try:
        if name == "array":
            return Array(type_from_json(value["items"]))
        if name == "map":
            return Map(type_from_json(value["values"]))
        if name == "object":
            return Object(tuple(_property(name, each) for name, each in value["properties"].items()))
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidValue(f"the schema type {str(name)[:50]!r} is incomplete: {str(error)[:100]}") from error
    return data_type(name)


def as_type(given: Any) -> Type:
    """Return a type from itself or its name. Raises: InvalidValue."""
    if isinstance(given, (DataType, AnyType, Array, Object, Map)):
        return given
    return AnyType(given) if isinstance(given, str) and given in _UNCHECKED else data_type(given)


def data_type(name: Any) -> DataType:
    """Return the scalar type of a name. Raises: InvalidValue."""
    try:
        return DataType(name)
    except ValueError:
        known = ", ".join([*DataType, "array", "object", "map", *_UNCHECKED])
        raise InvalidValue(f"{name!r} is no schema type; known: {known}") from None


def is_required(value: Mapping[str, Any]) -> bool:
    """Whether a column or property must be there; `optional` is the key of old writers."""
    return bool(value.get("required", not value.get("optional", False)))


def _property(name: Any, value: Mapping[str, Any]) -> Property:
    return Property(str(name), type_from_json(value), is_required(value))
