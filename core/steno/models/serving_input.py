"""The body of a request for predictions, made into inputs and params as a model's schema declares them.

One of the keys `dataframe_split`, `dataframe_records`, `instances` and `inputs`, and `params` beside it if need be;
requests of chat models go as they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import zip_longest
from typing import Any

from steno.errors import InvalidValue
from steno.models import frames, typed_json
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
        return _cast(_FORMS[given[0]](content[given[0]], schema), schema), params
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
    if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
        raise InvalidValue("`dataframe_records` is a list of objects")
    names = list(dict.fromkeys(name for row in value for name in row))
    return typed_json.table({"columns": names, "data": [[row.get(name) for name in names] for row in value]}, schema)


def _inputs(value: Any, schema: Schema | None) -> Any:
    """Return `inputs` or `instances`: arrays by name or alone, or plain data where columns are declared."""
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
    return typed_json.table({"columns": list(value), "data": list(zip(*value.values(), strict=True))}, schema)


def _cast(inputs: Any, schema: Schema | None) -> Any:
    """Return a table whose numbers came as text with numbers instead. Raises: InvalidValue where they are none."""
    if schema is None or not frames.is_dataframe(inputs):
        return inputs
    for name, dtype in _numeric(schema, list(inputs.columns)):
        column = inputs[name]
        if column.dtype.kind not in "biuf" and any(isinstance(each, str) for each in column):
            try:
                inputs[name] = column.astype(dtype)
            except (ValueError, TypeError, OverflowError) as error:
                raise InvalidValue(f"column {name!r} takes {dtype}: {error}") from error
    return inputs


def _numeric(schema: Schema, names: list[Any]) -> Iterator[tuple[Any, str]]:
    for spec, name in zip_longest(schema, names):
        if isinstance(spec, ColSpec):
            known = name if spec.name is None else spec.name
            if known in names and spec.type in _NUMBERS:
                yield known, _NUMBERS[spec.type]
    only = schema.inputs[0]
    if isinstance(only, TensorSpec) and len(schema) == 1 and only.name is None:
        yield from ((name, only.type) for name in names if only.type.startswith(("float", "int", "uint")))


_NUMBERS = {
    DataType.integer: "int32",
    DataType.long: "int64",
    DataType.float: "float32",
    DataType.double: "float64",
}
_FORMS: dict[str, Callable[[Any, Schema | None], Any]] = {
    "dataframe_split": _split,
    "dataframe_records": _records,
    "instances": _inputs,
    "inputs": _inputs,
}
