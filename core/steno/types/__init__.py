"""Types and schemas of models, under the module name MLflow's users know."""

from __future__ import annotations

from steno.models.signature import ColSpec, ParamSchema, ParamSpec, Schema, TensorSpec
from steno.models.types import DataType

__all__ = ["ColSpec", "DataType", "ParamSchema", "ParamSpec", "Schema", "TensorSpec"]
