"""The Open Inference Protocol, version 2: tensors by name, as JSON or, behind it, as bytes.

Source: https://github.com/kserve/open-inference-protocol (REST), and its binary tensor data extension.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from steno.errors import InvalidValue, ModelError
from steno.models import frames
from steno.models.signature import ColSpec, Schema, TensorSpec
from steno.models.types import DataType

DTYPES = {
    "BOOL": "bool", "UINT8": "uint8", "UINT16": "uint16", "UINT32": "uint32", "UINT64": "uint64", "INT8": "int8",
    "INT16": "int16", "INT32": "int32", "INT64": "int64", "FP16": "float16", "FP32": "float32", "FP64": "float64",
}  # fmt: skip
NAMES = {dtype: name for name, dtype in DTYPES.items()}
BYTES = "BYTES"
_COLUMN_TYPES = {
    DataType.boolean: "BOOL",
    DataType.integer: "INT32",
    DataType.long: "INT64",
    DataType.float: "FP32",
    DataType.double: "FP64",
}
_LENGTH = struct.Struct("<I")
Parameters = dict[str, Any]


class Tensor(msgspec.Struct):
    """One input of a request."""

    name: str
    shape: list[int]
    datatype: str
    data: Any = None
    parameters: Parameters = {}


class Wanted(msgspec.Struct):
    """One output that a request asks for."""

    name: str
    parameters: Parameters = {}


class Request(msgspec.Struct):
    """A request for inference."""

    inputs: list[Tensor]
    id: str | None = None
    parameters: Parameters = {}
    outputs: list[Wanted] = []


def read(body: bytes, head_bytes: int | None) -> tuple[Request, dict[str, Any]]:
    """Return a request and its arrays by name.

    Args:
        body: JSON, and behind it the bytes of the tensors that name their size.
        head_bytes: How long the JSON is; None for all.

    Raises:
        InvalidValue: It is not of that form.
    """
    head = body if head_bytes is None else body[:head_bytes]
    try:
        request = msgspec.json.decode(head, type=Request)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidValue(f"the request is not of the inference protocol: {error}") from error
    at, arrays = len(head), {}
    for tensor in request.inputs:
        size = tensor.parameters.get("binary_data_size")
        if size is None:
            arrays[tensor.name] = _array(tensor, None)
            continue
        if type(size) is not int or not 0 <= size <= len(body) - at:
            raise InvalidValue(f"input {tensor.name!r} has no {size!r} bytes behind the JSON")
        arrays[tensor.name] = _array(tensor, body[at : at + size])
        at += size
    if at != len(body):
        raise InvalidValue(f"{len(body) - at} bytes behind the JSON belong to no input")
    if len(arrays) != len(request.inputs) or not arrays:
        raise InvalidValue("a request has inputs, each with a name of its own")
    return request, arrays


def _array(tensor: Tensor, content: bytes | None) -> Any:
    import numpy as np

    shape = tuple(tensor.shape)
    try:
        if tensor.datatype == BYTES:
            texts = list(_flat(tensor.data)) if content is None else [_text(each) for each in _elements(content)]
            found = np.array(texts, dtype=object)
        elif content is not None:
            found = np.frombuffer(content, np.dtype(DTYPES[tensor.datatype]).newbyteorder("<"))
        else:
            found = np.array(list(_flat(tensor.data)), DTYPES[tensor.datatype])
        return found.reshape(shape)
    except KeyError:
        known = ", ".join((*DTYPES, BYTES))
        raise InvalidValue(f"input {tensor.name!r} is of no datatype {tensor.datatype!r}; there are {known}") from None
    except (ValueError, TypeError, OverflowError, struct.error) as error:
        raise InvalidValue(f"input {tensor.name!r} is no {tensor.datatype} of shape {list(shape)}: {error}") from error


def _flat(data: Any) -> Iterator[Any]:
    """Yield what nested lists hold, row by row; they may be flat already."""
    if not isinstance(data, list):
        raise TypeError("its data is a list")
    for each in data:
        if isinstance(each, list):
            yield from _flat(each)
        else:
            yield each


def _elements(content: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(content):
        (length,) = _LENGTH.unpack_from(content, at)
        at += _LENGTH.size
        if at + length > len(content):
            raise ValueError("an element is cut short")
        yield content[at : at + length]
        at += length


def _text(element: bytes) -> str | bytes:
    try:
        return element.decode("utf-8")
    except UnicodeDecodeError:
        return element


def inputs_of(arrays: Mapping[str, Any], schema: Schema | None) -> Any:
    """Return arrays as a model takes them: a table where it takes columns, else arrays. Raises: InvalidValue."""
    only = next(iter(arrays.values())) if len(arrays) == 1 else None
    if schema is None or not len(schema):
        return only if only is not None else dict(arrays)
    if schema.is_tensors:
        return dict(arrays) if schema.has_names else only
    if not schema.has_names:
        return only
    import pandas as pd

    if only is not None and only.ndim == 2 and only.shape[1] == len(schema) > 1:
        return pd.DataFrame(only, columns=schema.input_names())
    columns = {name: _column(name, array) for name, array in arrays.items()}
    if len({len(column) for column in columns.values()}) > 1:
        raise InvalidValue("the inputs are columns, and not of one length")
    return pd.DataFrame(columns)


def _column(name: str, array: Any) -> Any:
    if array.ndim == 2 and array.shape[1] == 1:
        return array[:, 0]
    if array.ndim != 1:
        raise InvalidValue(f"input {name!r} is a column, of shape [n] or [n, 1], not {list(array.shape)}")
    return array


def outputs_of(prediction: Any, schema: Schema | None) -> dict[str, Any]:
    """Return a prediction as arrays by name. Raises: ModelError."""
    import numpy as np

    if frames.is_dataframe(prediction):
        found = {str(name): prediction[name].to_numpy() for name in prediction.columns}
    elif isinstance(prediction, Mapping):
        found = {str(name): np.asarray(value) for name, value in prediction.items()}
    else:
        found = {_output_name(schema): np.asarray(prediction)}
    for name, array in found.items():
        if array.dtype.kind in "OUS":
            found[name] = np.array([_as_text(each) for each in array.ravel()], object).reshape(array.shape)
        elif str(array.dtype) not in NAMES:
            raise ModelError(f"output {name!r} is of {array.dtype}, which the inference protocol has no name for")
    return found


def _output_name(schema: Schema | None) -> str:
    specs = list(schema or ())
    return specs[0].name if len(specs) == 1 and isinstance(specs[0].name, str) else "predict"


def _as_text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def answer(request: Request, outputs: Mapping[str, Any], about: Mapping[str, Any]) -> tuple[bytes, int | None]:
    """Return the body of an answer, and how long its JSON is if bytes follow. Raises: InvalidValue."""
    wanted = {each.name: each.parameters for each in request.outputs} or {name: {} for name in outputs}
    if missing := sorted(set(wanted) - set(outputs)):
        raise InvalidValue(f"the model has no output {', '.join(missing)}; it has {', '.join(outputs)}")
    as_bytes = bool(request.parameters.get("binary_data_output", False))
    shown, behind = [], b""
    for name, parameters in wanted.items():
        array = outputs[name]
        each: dict[str, Any] = {"name": name, "shape": list(array.shape), "datatype": _datatype(array)}
        if parameters.get("binary_data", as_bytes):
            packed = _packed(array)
            each["parameters"] = {"binary_data_size": len(packed)}
            behind += packed
        else:
            each["data"] = array.ravel().tolist()
        shown.append(each)
    named = {"id": request.id} if request.id is not None else {}
    head = msgspec.json.encode({**about, **named, "outputs": shown})
    return (head + behind, len(head)) if behind else (head, None)


def _datatype(array: Any) -> str:
    return NAMES.get(str(array.dtype), BYTES)


def _packed(array: Any) -> bytes:
    if array.dtype.kind == "O":
        return b"".join(_LENGTH.pack(len(raw)) + raw for raw in (str(each).encode() for each in array.ravel()))
    packed: bytes = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    return packed


def inputs_told(schema: Schema | None) -> list[dict[str, Any]]:
    """Return what a model takes, as the protocol's metadata has it."""
    return [_described(spec, f"input-{at}") for at, spec in enumerate(schema or ())]


def outputs_told(schema: Schema | None) -> list[dict[str, Any]]:
    """Return what a model gives, under the names of `outputs_of`."""
    return [_described(spec, _output_name(schema)) for spec in schema or ()]


def _described(spec: ColSpec | TensorSpec, unnamed: str) -> dict[str, Any]:
    name = unnamed if spec.name is None else str(spec.name)
    if isinstance(spec, TensorSpec):
        return {"name": name, "datatype": NAMES.get(spec.type, BYTES), "shape": list(spec.shape)}
    kind = _COLUMN_TYPES.get(spec.type, BYTES) if isinstance(spec.type, DataType) else BYTES
    return {"name": name, "datatype": kind, "shape": [-1]}
