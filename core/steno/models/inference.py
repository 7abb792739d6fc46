"""Infers schemas from samples of a model's inputs and outputs."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from steno.errors import InvalidValue
from steno.models import foreign_frames, frames
from steno.models.signature import ColSpec, ParamSchema, ParamSpec, Schema, TensorSpec
from steno.models.types import DataType, Object, Type
from steno.models.value_types import ANY, dtype_type, merged_type, value_type

logger = logging.getLogger("steno.models")


def infer_schema(sample: Any, what: str) -> Schema:
    """Describe a sample; `what` names it in the log if it can only be described as `any`."""
    try:
        return _schema(frames.arrayed(sample))
    except InvalidValue as error:
        logger.warning("the schema of the model's %s is `any`, which checks nothing: %s", what, error.message)
        return Schema([ColSpec(ANY)])


def infer_params(params: Mapping[str, Any]) -> ParamSchema:
    """Describe params by their defaults. Raises: InvalidValue."""
    if not isinstance(params, Mapping):
        raise InvalidValue(f"params are a dict of defaults by name, not {type(params).__name__}")
    return ParamSchema(_param(str(name), default) for name, default in params.items())


def _schema(sample: Any) -> Schema:
    if frames.is_dataframe(sample):
        if not sample.shape[1]:
            raise InvalidValue("a table without columns says nothing")
        return Schema([_column(sample.iloc[:, at], name) for at, name in enumerate(sample.columns)])
    if frames.is_series(sample):
        return Schema([_column(sample, sample.name)])
    if frames.is_ndarray(sample) or frames.is_sparse(sample):
        return Schema([_tensor(sample)])
    if isinstance(sample, Mapping):
        return _schema_of_dict(sample)
    if isinstance(sample, list):
        return _schema_of_list(sample)
    table = foreign_frames.opened(sample)
    if table is not None:
        return Schema([ColSpec(kind, name, required) for name, kind, required in foreign_frames.described(table)])
    return Schema([ColSpec(value_type(sample))])


def _schema_of_list(sample: list[Any]) -> Schema:
    if not sample:
        return Schema([ColSpec(DataType.string)])
    kind = merged_type(sample)
    if not all(isinstance(row, Mapping) for row in sample):
        return Schema([ColSpec(kind)])
    if not isinstance(kind, Object):
        raise InvalidValue("a list of empty dicts says nothing")
    return Schema([ColSpec(each.dtype, each.name, each.required) for each in kind.properties])


def _schema_of_dict(sample: Mapping[Any, Any]) -> Schema:
    if not sample:
        raise InvalidValue("an empty dict says nothing")
    if all(frames.is_ndarray(value) for value in sample.values()):
        return Schema([_tensor(value, name) for name, value in sample.items()])
    return Schema([ColSpec(value_type(value), name, value is not None) for name, value in sample.items()])


def _tensor(array: Any, name: str | None = None) -> TensorSpec:
    if not array.shape:
        raise InvalidValue("an array without axes has no rows")
    # The first axis counts the rows, which are as many as the caller gives.
    return TensorSpec(array.dtype, (-1, *array.shape[1:]), name)


def _column(series: Any, name: Any) -> ColSpec:
    gaps = series.isna()
    required = name is None or not gaps.any()
    if str(series.dtype) == "category":
        return ColSpec(_column(series.cat.categories.to_series(), None).type, name, required)
    if str(series.dtype).endswith("[pyarrow]"):
        return ColSpec(foreign_frames.column_type(foreign_frames.opened_arrow(series)), name, required)
    kind: Type | None = dtype_type(series.dtype)
    if kind is None:  # objects: what they are is seen only by looking at each
        kind = merged_type(series[~gaps]) if len(series) else DataType.string
    return ColSpec(kind, name, required)


def _param(name: str, default: Any) -> ParamSpec:
    try:
        return _described(name, default.tolist() if frames.is_ndarray(default) else default)
    except InvalidValue as error:
        raise InvalidValue(f"param {name!r}: {error.message}; its default is {default!r}") from error


def _described(name: str, default: Any) -> ParamSpec:
    if isinstance(default, (list, tuple)):
        items = merged_type(default) if default else DataType.string
        if not isinstance(items, DataType):
            raise InvalidValue("a list holds scalars of one type")
        return ParamSpec(name, items, list(default), (-1,))
    kind = value_type(default)
    if not isinstance(kind, (DataType, Object)):
        raise InvalidValue("a scalar, a list or a dict is needed, to tell its type")
    return ParamSpec(name, kind, default)
