"""The input example beside a model: `input_example.json` and the request body made from it."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec import Struct

from steno.errors import InvalidValue, ModelError
from steno.models import foreign_frames, frames, typed_json
from steno.models.layout import member
from steno.models.signature import Schema, TensorSpec

CHAT = "messages"  # what a request of a chat model holds
INPUT_EXAMPLE = "input_example.json"
SERVING_EXAMPLE = "serving_input_example.json"
_MOST_CATEGORIES = 1000
_NAMES = (str, int, float, bool)


class Example(Struct, frozen=True):
    """An input example: inputs as `predict` takes them and, if it has any, params."""

    inputs: Any
    params: dict[str, Any] | None = None

    @classmethod
    def of(cls, given: Any) -> Example:
        """Take what the user gave: inputs, or a tuple (inputs, params).

        Tensors become arrays, and tables of any library the pandas DataFrame that a model is given in their place.

        Raises:
            InvalidValue: A tensor of a type that numpy has not.
        """
        if isinstance(given, Example):
            return given
        if isinstance(given, tuple) and len(given) == 2 and isinstance(given[1], Mapping):
            return cls(_known(given[0]), dict(given[1]))
        return cls(_known(given))

    def write(self, folder: Path) -> dict[str, Any]:
        """Write both files and return the `saved_input_example_info` section.

        Raises:
            InvalidValue: The example holds what JSON cannot.
        """
        kind, content, serving = _encoded(self.inputs)
        info: dict[str, Any] = {"artifact_path": INPUT_EXAMPLE, "type": kind}
        if kind == "dataframe":
            info["pandas_orient"] = "split" if "columns" in content else "values"
            if categories := _categories(self.inputs):
                info["categories"] = categories
        params = None if self.params is None else _plain(self.params)
        if params is not None:
            content, info["params"] = {"inputs": content, "params": params}, "true"
        (folder / INPUT_EXAMPLE).write_text(json.dumps(content), "utf-8")
        if serving is not None:
            info["serving_input_path"] = SERVING_EXAMPLE
            body = {**serving, **({} if params is None else {"params": params})}
            (folder / SERVING_EXAMPLE).write_text(json.dumps(body, indent=2), "utf-8")
        return info

    @classmethod
    def read(cls, folder: Path, info: Mapping[str, Any], schema: Schema | None = None) -> Example:
        """Read the example that a `saved_input_example_info` section names.

        Args:
            folder: The model's.
            info: The section.
            schema: Of the model's inputs: JSON has neither moments, bytes nor widths, and it says where they were.

        Raises:
            ModelError: It cannot be read.
        """
        path = member(folder, info.get("artifact_path"))
        try:
            content = json.loads(path.read_text("utf-8"))
            params = None
            if info.get("params") and isinstance(content, dict):
                content, params = content["inputs"], content["params"]
            inputs = _decoded(content, str(info.get("type")), schema)
            if frames.is_dataframe(inputs):
                _set_categories(inputs, info.get("categories") or ())
            return cls(inputs, params)
        except (ValueError, KeyError, IndexError, TypeError, RecursionError, OverflowError) as error:
            raise ModelError(f"the input example {path} cannot be read: {error}") from error


def convert_input_example_to_serving_input(input_example: Any) -> str | None:
    """Return the body of the request that asks a scoring server for the example's prediction; None for sparse matrices.

    Raises:
        InvalidValue: The example holds what JSON cannot.
    """
    example = Example.of(input_example)
    _, _, request = _encoded(example.inputs)
    params = {} if example.params is None else {"params": _plain(example.params)}
    return None if request is None else json.dumps({**request, **params})


def as_json(value: Any) -> Any:
    """Return what a model takes or gives as plain data, in the form that an input example is kept in.

    Raises:
        InvalidValue: It holds what JSON cannot.
    """
    return _encoded(_known(value))[1]


def _known(given: Any) -> Any:
    given = frames.arrayed(given)
    if isinstance(given, Mapping | tuple) or frames.is_pandas(given) or frames.is_ndarray(given):
        return given
    table = foreign_frames.opened(given)
    return given if table is None else foreign_frames.as_pandas(table)


def _encoded(inputs: Any) -> tuple[str, Any, dict[str, Any] | None]:
    """Return the kind of the example, its JSON content and the body of the matching request."""
    if frames.is_dataframe(inputs):
        split = inputs.to_dict("split", index=False)
        content = {"columns": _plain(split["columns"]), "data": _plain(split["data"])}
        named = list(inputs.columns) != list(range(inputs.shape[1]))
        content = content if named else {"data": content["data"]}
        return "dataframe", content, {"dataframe_split": content}
    if frames.is_sparse(inputs):
        parts = {name: _plain(getattr(inputs, name)) for name in ("data", "indices", "indptr")}
        return f"sparse_matrix_{inputs.format}", {**parts, "shape": list(inputs.shape)}, None
    arrays = list(inputs.values()) if isinstance(inputs, Mapping) else [inputs]
    if arrays and all(map(frames.is_ndarray, arrays)):
        content = _plain(inputs)
        return "ndarray", content, {"inputs": content}
    # No schema tells a gap of plain data from a NaN, so that is kept as Python's reader of JSON takes it.
    content = _plain(inputs)
    request = content if isinstance(content, dict) and CHAT in content else {"inputs": content}
    return "json_object", _plain(inputs, nan=math.nan), request


def _decoded(content: Any, kind: str, schema: Schema | None) -> Any:
    if kind == "dataframe":
        return typed_json.table(content, schema)
    tensors = {spec.name: spec for spec in schema or () if isinstance(spec, TensorSpec)}
    if kind == "ndarray":
        if isinstance(content, dict):
            return {name: typed_json.array(each, tensors.get(name)) for name, each in content.items()}
        return typed_json.array(content, tensors.get(None))
    if kind.startswith("sparse_matrix_"):
        from scipy import sparse

        build = sparse.csc_matrix if kind.endswith("csc") else sparse.csr_matrix
        data = typed_json.array(content["data"], tensors.get(None))
        matrix = build((data, content["indices"], content["indptr"]), shape=tuple(content["shape"]))
        matrix.check_format(full_check=True)  # else SciPy follows indices that point outside
        return matrix
    return typed_json.value(content, schema)


def _categories(table: Any) -> list[dict[str, Any]]:
    """Return what the columns of categories choose from, by place: the rows of an example show a few of them.

    Those of more than a thousand, and of other things than text and numbers, are left to come back as plain values.
    """
    found = []
    for place, dtype in enumerate(table.dtypes):
        if str(dtype) == "category" and len(dtype.categories) <= _MOST_CATEGORIES:
            values = dtype.categories.tolist()
            same = type(dtype.categories)(values).dtype == dtype.categories.dtype
            if same and all(type(each) in _NAMES for each in values):
                found.append({"column": place, "values": values, "ordered": bool(dtype.ordered)})
    return found


def _set_categories(table: Any, found: Iterable[Mapping[str, Any]]) -> None:
    import pandas as pd

    for each in found:
        values = table.iloc[:, each["column"]]
        kind = pd.CategoricalDtype(each["values"], bool(each["ordered"]))
        table.isetitem(each["column"], values.astype(kind))


def _plain(value: Any, nan: float | None = None) -> Any:
    """Return what JSON has in place of a value; `nan` is what stands for NaN."""
    if frames.is_series(value):
        return _plain(value.tolist(), nan)
    if isinstance(value, Mapping):
        return {str(key): _plain(each, nan) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each, nan) for each in value]
    if frames.is_ndarray(value) or frames.is_numpy_scalar(value):
        if value.dtype.kind == "M":  # numpy's own `tolist` gives nanoseconds as a bare integer
            import numpy as np

            return np.datetime_as_string(value).tolist()
        return _plain(value.tolist(), nan)
    if isinstance(value, (float, Decimal)):
        return nan if value != value else float(value)
    if frames.is_missing(value):
        return None
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, (str, bool, int)):
        return value
    raise InvalidValue(f"an input example holds plain data, not {type(value).__name__}")
