"""Brings what a caller passes to `predict` into the form a model's signature declares, or says why it cannot."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from steno.errors import InvalidValue
from steno.models import columns, frames, tensors
from steno.models.inference import value_type
from steno.models.signature import ParamSchema, ParamSpec, Schema
from steno.models.types import AnyType, DataType, Object, type_to_json

logger = logging.getLogger("steno.models")


def enforce_inputs(data: Any, schema: Schema) -> Any:
    """Return the inputs as the schema declares them: a DataFrame for columns, arrays for tensors.

    Raises:
        InvalidValue: Something is missing, or of a type, shape or kind the schema does not allow.
    """
    if not len(schema):
        return data
    try:
        enforce = tensors.enforce if schema.is_tensors else columns.enforce
        return enforce(data, schema)
    except InvalidValue as error:
        raise InvalidValue(f"schema enforcement failed: {error.message}") from error


def enforce_params(params: Mapping[str, Any] | None, schema: ParamSchema | None) -> dict[str, Any]:
    """Return the params with defaults for what is not given; what the schema does not know is dropped, with a warning.

    Raises:
        InvalidValue: A value that does not fit the type or shape of its param; all such are named.
    """
    given = dict(params or {})
    known = {spec.name: spec for spec in schema or ()}
    if unknown := sorted(str(name) for name in given if name not in known):
        logger.warning("params that the model's signature does not declare are ignored: %s", ", ".join(unknown))
    enforced: dict[str, Any] = {}
    wrong: list[str] = []
    for name, spec in known.items():
        try:
            enforced[name] = _param(given[name], spec) if name in given else spec.default
        except InvalidValue as error:
            wrong.append(error.message)
    if wrong:
        raise InvalidValue(f"schema enforcement failed: {'; '.join(wrong)}")
    return enforced


def _param(value: Any, spec: ParamSpec) -> Any:
    if frames.is_ndarray(value) or frames.is_numpy_scalar(value):
        value = value.tolist()
    if spec.shape is None:
        return _fitted(value, spec)
    if not isinstance(value, (list, tuple)):
        raise InvalidValue(f"param {spec.name!r} takes a list, not {value!r}")
    return [_fitted(each, spec) for each in value]


def _fitted(value: Any, spec: ParamSpec) -> Any:
    kind = spec.dtype
    if value is None or isinstance(kind, AnyType):
        return value
    if isinstance(kind, Object):
        return columns.checked(value, kind, f"param {spec.name!r}")
    if isinstance(value, (list, tuple, dict)):
        raise InvalidValue(f"param {spec.name!r} takes a single value, not {value!r}")
    if kind is DataType.datetime:
        return _moment(value, spec.name)
    found = value_type(value)
    if found is DataType.long and kind in (DataType.double, DataType.float):
        return float(value)
    # Python has one integer and one float; a narrower declaration takes them as they are.
    same = {DataType.integer: DataType.long, DataType.float: DataType.double}
    if not isinstance(kind, DataType) or found != same.get(kind, kind):
        raise InvalidValue(f"param {spec.name!r} takes {type_to_json(kind)['type']}, not {value!r}")
    return value


def _moment(value: Any, name: str) -> Any:
    if isinstance(value, (date, datetime)):
        return value
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise InvalidValue(f"param {name!r} takes a moment or its ISO text, not {value!r}") from error
