"""What a served model answers, told to programs, with the names and types of its own inputs.

Source of the format: https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steno import __version__
from steno.models.signature import ColSpec, Schema
from steno.models.types import DataType

from steno_serving import bodies
from steno_serving.scorer import Scorer

_TYPES: Mapping[DataType, dict[str, Any]] = {
    DataType.boolean: {"type": "boolean"},
    DataType.integer: {"type": "integer", "format": "int32"},
    DataType.long: {"type": "integer", "format": "int64"},
    DataType.float: {"type": "number", "format": "float"},
    DataType.double: {"type": "number", "format": "double"},
    DataType.string: {"type": "string"},
    DataType.binary: {"type": "string", "contentEncoding": "base64"},
    DataType.datetime: {"type": "string", "format": "date-time"},
}
_FAILURE = {
    "type": "object",
    "properties": {"error_code": {"type": "string"}, "message": {"type": "string"}},
    "required": ["error_code", "message"],
}
_ANSWERED = {"type": "object", "properties": {"predictions": {}}}


def described(scorer: Scorer) -> dict[str, Any]:
    """Return the description of a model at work."""
    model = f"/v2/models/{scorer.options.name}"
    tensors = {"type": "object", "required": ["inputs"], "properties": {"inputs": {"type": "array"}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": scorer.options.name, "version": scorer.options.version or __version__},
        "paths": {
            "/invocations": {
                "post": {
                    "summary": "Predict.",
                    "requestBody": {"required": True, "content": _contents(scorer.schema)},
                    "responses": _responses(_ANSWERED),
                }
            },
            "/ping": {"get": _simple("Whether the model is there.")},
            "/health": {"get": _simple("Whether the model is there.")},
            "/version": {"get": _simple("The version of steno.")},
            "/metrics": {"get": _simple("What was counted, as Prometheus reads it.")},
            "/v2/health/live": {"get": _simple("Whether the server is alive.")},
            "/v2/health/ready": {"get": _simple("Whether the model answers.")},
            model: {"get": _simple("What the model takes and gives.")},
            f"{model}/infer": {
                "post": {
                    "summary": "Predict, by the Open Inference Protocol.",
                    "requestBody": {"required": True, "content": {bodies.JSON: {"schema": tensors}}},
                    "responses": _responses({"type": "object"}),
                }
            },
        },
    }


def _simple(summary: str) -> dict[str, Any]:
    return {"summary": summary, "responses": {"200": {"description": "Yes."}}}


def _responses(answer: Mapping[str, Any]) -> dict[str, Any]:
    failed = {bodies.JSON: {"schema": _FAILURE}}
    return {
        "200": {"description": "The predictions.", "content": {bodies.JSON: {"schema": answer}}},
        "400": {"description": "The request is not what the model takes.", "content": failed},
        "413": {"description": "The request is too long."},
        "415": {"description": "The type of content is none that is read here."},
        "504": {"description": "The prediction takes too long."},
    }


def _contents(schema: Schema | None) -> dict[str, Any]:
    columns = [each for each in schema or () if isinstance(each, ColSpec)]
    named = bool(columns) and columns[0].name is not None
    row: dict[str, Any] = {"type": "object"}
    if named:
        row["properties"] = {
            str(each.name): _TYPES.get(each.type, {}) if isinstance(each.type, DataType) else {} for each in columns
        }
        row["required"] = [str(each.name) for each in columns if each.required]
    split = {
        "type": "object",
        "required": ["data"],
        "properties": {"columns": {"type": "array"}, "data": {"type": "array"}},
    }
    keys = {
        "dataframe_split": split,
        "dataframe_records": {"type": "array", "items": row},
        "instances": {},
        "inputs": {},
    }
    forms = [{"type": "object", "required": [key], "properties": {key: form}} for key, form in keys.items()]
    return {bodies.JSON: {"schema": {"oneOf": forms}}, bodies.CSV: {}, bodies.PARQUET: {}}
