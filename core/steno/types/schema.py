"""All that a schema is built of, under the module name MLflow's users know."""

from __future__ import annotations

from steno.models.signature import ColSpec, ParamSchema, ParamSpec, Schema, TensorSpec
from steno.models.types import AnyType, Array, DataType, Map, Object, Property

__all__ = [
    "AnyType",
    "Array",
    "ColSpec",
    "DataType",
    "Map",
    "Object",
    "ParamSchema",
    "ParamSpec",
    "Property",
    "Schema",
    "TensorSpec",
]
