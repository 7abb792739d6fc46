"""Brings what a caller passes to `predict` into the form a model's signature declares, or says all that is wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from steno.errors import InvalidValue, SchemaMismatch
from steno.models import columns, frames, hints, tensors
from steno.models.misfits import misfits
from steno.models.signature import ModelSignature, ParamSchema, ParamSpec, Schema
from steno.models.types import AnyType, DataType, Object
from steno.models.value_types import value_type

logger = logging.getLogger("steno.models")


def enforce(
    data: Any, params: Mapping[str, Any] | None, signature: ModelSignature | None, *, hinted: bool = False
) -> tuple[Any, dict[str, Any]]:
    """Return inputs and params of one call as a signature declares them.

    Args:
        data: As the caller gives it.
        params: By name; what is not given takes its default.
        signature: None declares nothing.
        hinted: The signature comes from type hints: inputs stay a list.

    Raises:
        SchemaMismatch: Something is missing, or of a type, shape or kind that is not declared; tells all at once.
    """
    problems: list[str] = []
    schema = signature.inputs if signature else None
    if schema is not None and len(schema):
        data = _inputs(hints.enforce if hinted else _enforcer(schema), data, schema, problems)
    enforced = _params(params, signature.params if signature else None, problems)
    if problems:
        raise SchemaMismatch(problems)
    return data, enforced


def validate_schema(data: Any, expected_schema: Schema) -> None:
    """Ask whether a model with this schema would take the inputs. Raises: SchemaMismatch, with all that is wrong."""
    enforce_inputs(data, expected_schema)


def enforce_inputs(data: Any, schema: Schema) -> Any:
    """Return the inputs as the schema declares them: a DataFrame for columns, arrays for tensors.

    Raises:
        SchemaMismatch: Something is missing, or of a type, shape or kind the schema does not allow; tells all at once.
    """
    return enforce(data, None, ModelSignature(schema))[0]


def enforce_params(params: Mapping[str, Any] | None, schema: ParamSchema | None) -> dict[str, Any]:
    """Return the params with defaults for what is not given; what the schema does not know is dropped, with a warning.

    Raises:
        SchemaMismatch: Values that do not fit the type or shape of their param; all such are named.
    """
    return enforce(None, params, ModelSignature(params=schema))[1]


def _enforcer(schema: Schema) -> Callable[[Any, Schema, list[str]], Any]:
    return tensors.enforce if schema.is_tensors else columns.enforce


def _inputs(enforcer: Callable[[Any, Schema, list[str]], Any], data: Any, schema: Schema, problems: list[str]) -> Any:
    try:
        return enforcer(data, schema, problems)
    except InvalidValue as error:
        problems.append(error.message)
        return data


def _params(params: Mapping[str, Any] | None, schema: ParamSchema | None, problems: list[str]) -> dict[str, Any]:
    given = dict(params or {})
    known = {spec.name: spec for spec in schema or ()}
    if unknown := sorted(str(name) for name in given if name not in known):
        logger.warning("params that the model's signature does not declare are ignored: %s", ", ".join(unknown))
    enforced: dict[str, Any] = {}
    for name, spec in known.items():
        try:
            enforced[name] = _param(given[name], spec) if name in given else spec.default
        except InvalidValue as error:
            problems.append(error.message)
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
        if wrong := list(misfits(value, kind, f"param {spec.name!r}")):
            raise InvalidValue("; ".join(wrong))
        return value
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
        raise InvalidValue(f"param {spec.name!r} takes {kind}, not {value!r}")
    return value


def _moment(value: Any, name: str) -> Any:
    if isinstance(value, (date, datetime)):
        return value
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise InvalidValue(f"param {name!r} takes a moment or its ISO text, not {value!r}") from error
