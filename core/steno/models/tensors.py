"""Enforces tensor schemas: kind of container, shape, dtype."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steno.errors import InvalidValue
from steno.models import foreign_frames, frames
from steno.models.signature import Schema, TensorSpec, dtype_name


def enforce(data: Any, schema: Schema, problems: list[str]) -> Any:
    """Return an array, or arrays by name where the tensors are named; what does not fit is added to the problems.

    Raises:
        InvalidValue: The data is no array, nor arrays by name.
    """
    specs = [spec for spec in schema if isinstance(spec, TensorSpec)]
    table = None if _is_known(data) else foreign_frames.opened(data)
    data = data if table is None else foreign_frames.as_pandas(table)
    if specs[0].name is None:
        return _enforce_one(data, specs[0], problems)
    return _enforce_named(data, specs, problems)


def _is_known(data: Any) -> bool:
    return isinstance(data, Mapping) or any(
        is_one(data) for is_one in (frames.is_ndarray, frames.is_dataframe, frames.is_sparse, frames.is_series)
    )


def _enforce_named(data: Any, specs: list[TensorSpec], problems: list[str]) -> dict[str, Any]:
    if not isinstance(data, Mapping) and not frames.is_dataframe(data):
        raise InvalidValue(f"arrays by name are needed ({_names(specs)}), not {type(data).__name__}")
    if missing := [spec.name for spec in specs if spec.name not in data]:
        problems.append(f"the model is missing inputs {missing}")
    arrays = {}
    for spec in specs:
        if spec.name not in data:
            continue
        value = data[spec.name]
        try:
            arrays[str(spec.name)] = _from_cells(value, spec) if frames.is_series(value) else value
        except InvalidValue as error:
            problems.append(error.message)
            continue
        if frames.is_ndarray(arrays[str(spec.name)]):
            _check(arrays[str(spec.name)], spec, f"input {spec.name!r}", problems)
        else:
            problems.append(f"input {spec.name!r} takes a numpy array, not {type(value).__name__}")
    return arrays


def _enforce_one(data: Any, spec: TensorSpec, problems: list[str]) -> Any:
    if frames.is_dataframe(data):
        data = _from_frame(data, spec)
    if not frames.is_ndarray(data) and not frames.is_sparse(data):
        raise InvalidValue(f"a numpy array, CSR or CSC matrix or DataFrame is needed, not {type(data).__name__}")
    _check(data, spec, "the input", problems)
    return data


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
    """Build the array of a column whose cells are numbers or nested lists."""
    array = column.to_numpy() if column.dtype != object else _of_lists(column.tolist(), spec, f"column {column.name!r}")
    wanted = tuple(spec.shape)
    if array.ndim != len(wanted) and wanted.count(-1) <= 1:
        try:
            return array.reshape(wanted)
        except ValueError as error:
            raise InvalidValue(f"column {column.name!r} cannot be brought to shape {wanted}: {error}") from error
    return array


def _of_lists(values: list[Any], spec: TensorSpec, where: str) -> Any:
    """Return nested lists as an array: they carry no width, so they take the schema's, and whole numbers its kind."""
    import numpy as np

    try:
        found = np.array(values)
        if found.dtype.kind not in "biuf" or spec.type in ("str", "bytes"):
            return found if spec.type in ("str", "bytes") else np.array(values, dtype=spec.type)
        wanted = np.dtype(spec.type)
        with np.errstate(all="ignore"):  # what does not fit is seen in the comparison
            array = found.astype(wanted)
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidValue(f"the cells of {where} make no {spec.type} array: {error}") from error
    rounded = found.dtype.kind == wanted.kind == "f"
    same_kind = (found.dtype.kind == "b") == (wanted.kind == "b")
    if not rounded and not (same_kind and np.array_equal(found, array)):
        raise InvalidValue(f"the cells of {where} make no {spec.type} array without a change of their values")
    return array


def _check(array: Any, spec: TensorSpec, where: str, problems: list[str]) -> None:
    if _is_free(array, spec):
        return
    fits = len(array.shape) == len(spec.shape) and all(
        want in (-1, have) for want, have in zip(spec.shape, array.shape, strict=True)
    )
    if not fits:
        problems.append(f"{where} has shape {tuple(array.shape)}, and the model takes {spec.shape}")
    if dtype_name(array.dtype) != spec.type:
        problems.append(f"{where} has dtype {array.dtype}, and the model takes {spec.type}")


def _is_free(array: Any, spec: TensorSpec) -> bool:
    """Whether a spec of objects, or rows of differing length, leave nothing to check."""
    if spec.type == "object" and spec.shape == (-1,):
        return True
    return len(spec.shape) > 1 and spec.shape.count(-1) > 1 and array.dtype == object and len(array.shape) == 1


def _names(specs: list[TensorSpec]) -> str:
    return ", ".join(repr(spec.name) for spec in specs)
