"""The body of a request for predictions, made into inputs and params as a model's schema declares them.

One of the keys `dataframe_split`, `dataframe_records`, `instances` and `inputs`, and `params` beside it if need be;
requests of chat models go as they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from steno.errors import InvalidValue, SchemaMismatch
from steno.models import json_casts, typed_json
from steno.models.example import CHAT
from steno.models.signature import ColSpec, Schema, TensorSpec
from steno.models.types import DataType

PARAMS = "params"
TALKS = (CHAT, "prompt", "input")
"""What requests of language models have, which go as they are."""


def parse(body: str | bytes | Mapping[str, Any], schema: Schema | None = None) -> tuple[Any, dict[str, Any] | None]:
    """Return inputs, as `predict` takes them, and params, None if there are none.

    Args:
        body: JSON, or what it holds.
        schema: Of the model's inputs: JSON has neither widths, moments nor bytes, and it says where they are.

    Raises:
        InvalidValue: No JSON, none or several of the keys, or a value that is not of the key's form.
        SchemaMismatch: Columns of differing lengths.
    """
    content = _object(body)
    params = content.get(PARAMS)
    if not isinstance(params, dict | None):
        raise InvalidValue(f"`{PARAMS}` of a request is an object, not {type(params).__name__}")
    given = [key for key in _FORMS if key in content]
    if not given and any(key in content for key in TALKS):
        return {key: each for key, each in content.items() if key != PARAMS}, params
    if len(given) != 1:
        raise InvalidValue(
            f"a request has one of the keys {', '.join(_FORMS)}, and {PARAMS} if need be; "
            f"this one has {', '.join(sorted(content)) or 'none'}"
        )
    try:
        return json_casts.cast(_FORMS[given[0]](content[given[0]], schema), schema), params
    except InvalidValue:
        raise
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InvalidValue(f"`{given[0]}` of the request cannot be read: {error}") from error


def _object(body: str | bytes | Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(body, Mapping):
        try:
            body = json.loads(body)
        except (ValueError, TypeError, RecursionError) as error:
            raise InvalidValue(f"the request is no JSON: {error}") from error
    if not isinstance(body, Mapping):
        raise InvalidValue(f"a request is an object with one of the keys {', '.join(_FORMS)}")
    return body


def _split(value: Any, schema: Schema | None) -> Any:
    if unknown := sorted(set(value) - {"columns", "index", "data"}):
        raise InvalidValue(f"`dataframe_split` has columns, index and data, not {', '.join(unknown)}")
    frame = typed_json.table(value, schema)
    if value.get("index") is not None:
        frame.index = value["index"]
    return frame


def _records(value: Any, schema: Schema | None) -> Any:
    if isinstance(value, list) and value and all(isinstance(row, list) for row in value):
        return typed_json.table({"data": value}, schema)
    if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
        raise InvalidValue("`dataframe_records` is a list of objects")
    names = list(dict.fromkeys(name for row in value for name in row))
    return typed_json.table({"columns": names, "data": [[row.get(name) for name in names] for row in value]}, schema)


def _instances(value: Any, schema: Schema | None) -> Any:
    """Return `instances`, which are as many of each input."""
    if isinstance(value, Mapping):
        lengths = {name: len(each) for name, each in value.items() if isinstance(each, list)}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{count} of {name!r}" for name, count in lengths.items())
            raise InvalidValue(f"`instances` has as many of each input, not {told}")
    return _inputs(value, schema)


def _inputs(value: Any, schema: Schema | None) -> Any:
    """Return `inputs`: arrays by name or alone, or plain data where columns are declared."""
    if schema is not None and len(schema) and not schema.is_tensors:
        if not schema.has_names:
            return typed_json.value(value, schema)
        if isinstance(value, list) and value and all(isinstance(row, Mapping) for row in value):
            return _records(value, schema)
        if isinstance(value, Mapping) and _is_plain(schema):
            lists = [isinstance(each, list) for each in value.values()]
            if not any(lists):
                return _records([value], schema)
            if all(lists):
                return _columns(value, schema)
        return typed_json.value(value, schema)
    tensors = {spec.name: spec for spec in schema or () if isinstance(spec, TensorSpec)}
    if value is None and tensors:
        raise InvalidValue("the model takes arrays, and null is none")
    if isinstance(value, Mapping) and None in tensors:
        raise InvalidValue("the model takes one array, which has no name: give it as a list")
    if isinstance(value, list) and value and all(isinstance(row, Mapping) for row in value):
        value = {name: [row[name] for row in value] for name in value[0]}
    if isinstance(value, Mapping):
        return {name: typed_json.array(each, tensors.get(name)) for name, each in value.items()}
    return typed_json.array(value, tensors.get(None))


def _is_plain(schema: Schema) -> bool:
    """Whether no column holds lists or objects, so that a list is a whole column and not one value of it."""
    return all(isinstance(spec, ColSpec) and isinstance(spec.type, DataType) for spec in schema)


def _columns(value: Mapping[str, list[Any]], schema: Schema) -> Any:
    if len({len(each) for each in value.values()}) > 1:
        told = ", ".join(f"{len(each)} of {name!r}" for name, each in value.items())
        raise SchemaMismatch([f"the inputs are columns, and there are {told}"])
    return typed_json.table({"columns": list(value), "data": list(zip(*value.values(), strict=True))}, schema)


_FORMS: dict[str, Callable[[Any, Schema | None], Any]] = {
    "dataframe_split": _split,
    "dataframe_records": _records,
    "instances": _instances,
    "inputs": _inputs,
}
