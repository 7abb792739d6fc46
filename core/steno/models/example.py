"""The input example beside a model: `input_example.json` and the request body made from it."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from steno.errors import InvalidValue, ModelError
from steno.models import frames
from steno.models.layout import member

INPUT_EXAMPLE = "input_example.json"
SERVING_EXAMPLE = "serving_input_example.json"


class Example(Struct, frozen=True):
    """An input example: inputs as `predict` takes them and, if it has any, params."""

    inputs: Any
    params: dict[str, Any] | None = None

    @classmethod
    def of(cls, given: Any) -> Example:
        """Take what the user gave: inputs, or a tuple (inputs, params). Tensors become arrays. Raises: InvalidValue."""
        if isinstance(given, Example):
            return given
        if isinstance(given, tuple) and len(given) == 2 and isinstance(given[1], Mapping):
            return cls(frames.arrayed(given[0]), dict(given[1]))
        return cls(frames.arrayed(given))

    def write(self, folder: Path) -> dict[str, Any]:
        """Write both files and return the `saved_input_example_info` section.

        Raises:
            InvalidValue: The example holds what JSON cannot.
        """
        kind, content, serving = _encoded(self.inputs)
        info = {"artifact_path": INPUT_EXAMPLE, "type": kind}
        if kind == "dataframe":
            info["pandas_orient"] = "split"
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
    def read(cls, folder: Path, info: Mapping[str, Any]) -> Example:
        """Read the example that a `saved_input_example_info` section names. Raises: ModelError."""
        path = member(folder, info.get("artifact_path"))
        try:
            content = json.loads(path.read_text("utf-8"))
            params = None
            if info.get("params") and isinstance(content, dict):
                content, params = content["inputs"], content["params"]
            return cls(_decoded(content, str(info.get("type"))), params)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ModelError(f"the input example {path} cannot be read: {error}") from error


def _encoded(inputs: Any) -> tuple[str, Any, dict[str, Any] | None]:
    """Return the kind of the example, its JSON content and the body of the matching request."""
    if frames.is_dataframe(inputs):
        split = inputs.to_dict("split", index=False)
        content = {"columns": _plain(split["columns"]), "data": _plain(split["data"])}
        named = list(inputs.columns) != list(range(inputs.shape[1]))
        return "dataframe", content if named else {"data": content["data"]}, {"dataframe_split": content}
    if frames.is_sparse(inputs):
        parts = {name: getattr(inputs, name).tolist() for name in ("data", "indices", "indptr")}
        return f"sparse_matrix_{inputs.format}", {**parts, "shape": list(inputs.shape)}, None
    content = _plain(inputs)
    arrays = list(inputs.values()) if isinstance(inputs, Mapping) else [inputs]
    kind = "ndarray" if arrays and all(map(frames.is_ndarray, arrays)) else "json_object"
    return kind, content, {"inputs": content}


def _decoded(content: Any, kind: str) -> Any:
    if kind == "dataframe":
        import pandas as pd

        return pd.DataFrame(content["data"], columns=content.get("columns"))
    if kind == "ndarray":
        import numpy as np

        if isinstance(content, dict):
            return {name: np.array(value, dtype=None) for name, value in content.items()}
        return np.array(content)
    if kind.startswith("sparse_matrix_"):
        from scipy import sparse

        build = sparse.csc_matrix if kind.endswith("csc") else sparse.csr_matrix
        return build((content["data"], content["indices"], content["indptr"]), shape=tuple(content["shape"]))
    return content


def _plain(value: Any) -> Any:
    if frames.is_series(value):
        return _plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if frames.is_ndarray(value) or frames.is_numpy_scalar(value):
        # A numpy moment's own `tolist` gives nanoseconds as a bare integer.
        return _plain(value.astype("datetime64[us]").tolist() if value.dtype.kind == "M" else value.tolist())
    if frames.is_missing(value) or (isinstance(value, float) and math.isinf(value)):
        return None
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, (str, bool, int, float)):
        return value
    raise InvalidValue(f"an input example holds plain data, not {type(value).__name__}")
