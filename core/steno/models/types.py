"""The types a column or property of a model's input or output may have, and their JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeAlias

from msgspec import Struct

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

    items: Type


class Property(Struct, frozen=True):
    """One property of an object."""

    type: Type
    required: bool = True


class Object(Struct, frozen=True):
    """A dict with known keys."""

    properties: dict[str, Property]


class Map(Struct, frozen=True):
    """A dict with any text as keys and values of one type."""

    values: Type


Type: TypeAlias = DataType | AnyType | Array | Object | Map
"""A type of a column, an element or a property."""

_UNCHECKED = ("any", "sparkml_vector")


def type_to_json(kind: Type) -> dict[str, Any]:
    """Return the JSON object of a type; its keys come first in a column's own object."""
    if isinstance(kind, DataType):
        return {"type": str(kind)}
    if isinstance(kind, Array):
        return {"type": "array", "items": type_to_json(kind.items)}
    if isinstance(kind, Map):
        return {"type": "map", "values": type_to_json(kind.values)}
    if isinstance(kind, Object):
        properties = {
            name: {**type_to_json(prop.type), "required": prop.required}
            for name, prop in sorted(kind.properties.items())
        }
        return {"type": "object", "properties": properties}
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
            return Object({key: _property(each) for key, each in value["properties"].items()})
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidValue(f"the schema type {dict(value)!r} is incomplete: {error!r}") from error
    return data_type(name)


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


def _property(value: Mapping[str, Any]) -> Property:
    return Property(type_from_json(value), is_required(value))
