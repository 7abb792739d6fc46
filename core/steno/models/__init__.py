"""A model on disk, in MLflow's format: written whole, read back without running what is not trusted."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from steno.models.enforcement import validate_schema
from steno.models.example import convert_input_example_to_serving_input
from steno.models.from_code import ModelConfig, set_model
from steno.models.load import load_model, open_model, untrusted_types
from steno.models.manifest import Manifest
from steno.models.manifest import Manifest as Model
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

if TYPE_CHECKING:
    from steno.tracking.model_descriptions import get_model_info as get_model_info
    from steno.tracking.model_descriptions import set_signature as set_signature
    from steno.tracking.model_descriptions import update_model_requirements as update_model_requirements
    from steno.tracking.model_descriptions import validate_serving_input as validate_serving_input

# They take URIs, which stores resolve: this package reads folders.
_BY_URI = ("get_model_info", "set_signature", "update_model_requirements", "validate_serving_input")

__all__ = [
    "AnyType",
    "Array",
    "ColSpec",
    "DataType",
    "Manifest",
    "Map",
    "Model",
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
    "convert_input_example_to_serving_input",
    "get_model_info",
    "infer_signature",
    "load_model",
    "load_pyfunc",
    "open_model",
    "save_model",
    "seal_model",
    "set_model",
    "set_signature",
    "untrusted_types",
    "update_model_requirements",
    "validate_schema",
    "validate_serving_input",
]


def __getattr__(name: str) -> Any:
    if name not in _BY_URI:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module("steno.tracking.model_descriptions"), name)
    return value
