"""A model on disk, in MLflow's format: written whole, read back without running what is not trusted."""

from __future__ import annotations

from steno.models.from_code import ModelConfig, set_model
from steno.models.load import load_model, open_model, untrusted_types
from steno.models.manifest import Manifest
from steno.models.persist import save_model
from steno.models.pyfunc import PyFuncModel, load_pyfunc
from steno.models.python_model import PythonModel, PythonModelContext
from steno.models.seal import seal as seal_model
from steno.models.signature import (
    ColSpec,
    ModelSignature,
    ParamSchema,
    ParamSpec,
    Schema,
    TensorSpec,
    infer_signature,
)
from steno.models.types import AnyType, Array, DataType, Map, Object, Property

__all__ = [
    "AnyType",
    "Array",
    "ColSpec",
    "DataType",
    "Manifest",
    "Map",
    "ModelConfig",
    "ModelSignature",
    "Object",
    "ParamSchema",
    "ParamSpec",
    "Property",
    "PyFuncModel",
    "PythonModel",
    "PythonModelContext",
    "Schema",
    "TensorSpec",
    "infer_signature",
    "load_model",
    "load_pyfunc",
    "open_model",
    "save_model",
    "seal_model",
    "set_model",
    "untrusted_types",
]
