"""Enforces tensor schemas: kind of container, shape, dtype."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steno.errors import InvalidValue
from steno.models import frames
from steno.models.signature import Schema, TensorSpec, dtype_name


def enforce(data: Any, schema: Schema) -> Any:
    """Return an array, or arrays by name where the tensors are named. Raises: InvalidValue."""
    specs = [spec for spec in schema if isinstance(spec, TensorSpec)]
    if specs[0].name is None:
        return _enforce_one(data, specs[0])
    return _enforce_named(data, specs)


def _enforce_named(data: Any, specs: list[TensorSpec]) -> dict[str, Any]:
    if not isinstance(data, Mapping) and not frames.is_dataframe(data):
        raise InvalidValue(f"arrays by name are needed ({_names(specs)}), not {type(data).__name__}")
    missing = [spec.name for spec in specs if spec.name not in data]
    if missing:
        raise InvalidValue(f"the model is missing inputs {missing}")
    arrays = {}
    for spec in specs:
        value = data[spec.name]
        if frames.is_series(value):
            value = _from_cells(value, spec)
        if not frames.is_ndarray(value):
            raise InvalidValue(f"input {spec.name!r} takes a numpy array, not {type(value).__name__}")
        arrays[str(spec.name)] = _checked(value, spec, f"input {spec.name!r}")
    return arrays


def _enforce_one(data: Any, spec: TensorSpec) -> Any:
    if frames.is_dataframe(data):
        data = _from_frame(data, spec)
    if not frames.is_ndarray(data) and not frames.is_sparse(data):
        raise InvalidValue(f"a numpy array, CSR or CSC matrix or DataFrame is needed, not {type(data).__name__}")
    return _checked(data, spec, "the input")


def _from_frame(frame: Any, spec: TensorSpec) -> Any:
    if frame.shape[1] == 1:
        return _from_cells(frame.iloc[:, 0], spec)
    if len(spec.shape) != 2 or spec.shape[1] not in (-1, frame.shape[1]):
        raise InvalidValue(
            f"a DataFrame of {frame.shape[1]} columns is an array of shape (-1, {frame.shape[1]}), "
            f"and the model takes {spec.shape}"
        )
    return frame.to_numpy()


def _from_cells(column: Any, spec: TensorSpec) -> Any:
    """Build the array of a column whose cells are numbers or nested lists.

    Lists carry no width, so they take the schema's dtype.
    """
    import numpy as np

    if column.dtype != object:
        array = column.to_numpy()
    else:
        try:
            array = np.array(column.tolist(), dtype=None if spec.type in ("str", "bytes") else spec.type)
        except (ValueError, TypeError) as error:
            raise InvalidValue(f"the cells of column {column.name!r} make no {spec.type} array: {error}") from error
    wanted = tuple(spec.shape)
    if array.ndim != len(wanted) and wanted.count(-1) <= 1:
        try:
            return array.reshape(wanted)
        except ValueError as error:
            raise InvalidValue(f"column {column.name!r} cannot be brought to shape {wanted}: {error}") from error
    return array


def _checked(array: Any, spec: TensorSpec, where: str) -> Any:
    if _is_free(array, spec):
        return array
    fits = len(array.shape) == len(spec.shape) and all(
        want in (-1, have) for want, have in zip(spec.shape, array.shape, strict=True)
    )
    if not fits:
        raise InvalidValue(f"{where} has shape {tuple(array.shape)}, and the model takes {spec.shape}")
    if dtype_name(array.dtype) != spec.type:
        raise InvalidValue(f"{where} has dtype {array.dtype}, and the model takes {spec.type}")
    return array


def _is_free(array: Any, spec: TensorSpec) -> bool:
    """Whether a spec of objects, or rows of differing length, leave nothing to check."""
    if spec.type == "object" and spec.shape == (-1,):
        return True
    return len(spec.shape) > 1 and spec.shape.count(-1) > 1 and array.dtype == object and len(array.shape) == 1


def _names(specs: list[TensorSpec]) -> str:
    return ", ".join(repr(spec.name) for spec in specs)
