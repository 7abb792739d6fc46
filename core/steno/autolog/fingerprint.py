"""What can be told of data from outside, and a digest of it that costs the same at any size."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

_WHOLE_BYTES = 1 << 16  # up to this size every byte counts: about 0.1 ms
_ROWS, _COLUMNS = 64, 64
MOST_COLUMNS = 1000
_SCALARS = (str, bytes, int, float, bool, complex, type(None))
_SPARSE_ARRAYS = ("data", "indices", "indptr", "row", "col", "coords", "offsets")


class Part(Struct):
    """Features or targets.

    Attributes:
        kind: The type's qualified name.
        shape: None where the data cannot be asked without running it.
        dtype: As NumPy names it.
        size_bytes: What it holds in memory, as far as it says so.
        columns: (name, MLflow type) of a frame's columns, the first thousand; None for anything else.
        stored: How many values a sparse matrix stores.
        content: What the digest is made of.
    """

    kind: str
    shape: tuple[int, ...] | None = None
    dtype: str = ""
    size_bytes: int = 0
    columns: tuple[tuple[str, str], ...] | None = None
    stored: int | None = None
    content: bytes = b""


def digest(*parts: Part | None) -> str:
    """Return 8 hex characters for the parts; the same data gives the same text in every process."""
    summed = hashlib.blake2b(digest_size=4)
    for part in parts:
        if part is not None:
            summed.update(f"{part.shape}{part.dtype}{part.columns}{part.stored}".encode())
            summed.update(part.content or part.kind.encode())
    return summed.hexdigest()


def part_of(data: Any) -> Part:
    """Look at data from outside. Never raises: what cannot be looked at is told by its type."""
    kind = type(data)
    name = f"{kind.__module__}.{kind.__qualname__}"
    try:
        look = _look_for(kind, data)
        return look(name, data) if look else Part(name)
    except Exception:  # advice: data of a strange make is no reason to record nothing else
        return Part(name)


def _look_for(kind: type, data: Any) -> Callable[[str, Any], Part] | None:
    tops = {cls.__module__.partition(".")[0] for cls in kind.__mro__}
    if "pandas" in tops:
        return {1: _series, 2: _frame}.get(getattr(data, "ndim", 0))
    if "polars" in tops:
        return _polars if hasattr(data, "height") or hasattr(data, "to_frame") else None
    if "scipy" in tops and hasattr(data, "nnz"):
        return _sparse
    if "numpy" in tops and hasattr(data, "tobytes"):
        return _array
    if "torch" in tops and hasattr(data, "untyped_storage"):
        return _tensor
    return _list if isinstance(data, list | tuple) else None


def _array(name: str, data: Any) -> Part:
    return Part(name, tuple(data.shape), str(data.dtype), int(data.nbytes), content=_bytes(data))


def _bytes(array: Any) -> bytes:
    """The bytes of a small array, or of evenly spaced rows (and columns) of a large one."""
    if array.ndim and array.size and (array.nbytes > _WHOLE_BYTES or array.dtype == object):
        array = array[_spaced(len(array), _ROWS)]
        if array.ndim > 1:
            array = array.reshape(len(array), -1)
            array = array[:, _spaced(array.shape[1], _COLUMNS)]
    if array.dtype == object:
        return _values(array.ravel().tolist())
    return bytes(array.tobytes())


def _spaced(length: int, most: int) -> list[int]:
    """At most so many indices, the first and last among them."""
    if length <= most:
        return list(range(length))
    return [index * (length - 1) // (most - 1) for index in range(most)]


def _values(values: Sequence[Any]) -> bytes:
    # A value that is no plain one counts by its type: its repr may be long, slow, or hold an address.
    shown = (
        repr(v[:200] if isinstance(v, str | bytes) else v) if type(v) in _SCALARS else type(v).__name__ for v in values
    )
    return "\x1f".join(shown).encode("utf-8", "surrogatepass")


def _frame(name: str, data: Any) -> Part:
    rows, wide = data.shape
    kinds = data.dtypes[:MOST_COLUMNS]
    types = {kind: _column_type(str(kind)) for kind in set(kinds)}
    columns = tuple((str(column), types[kind]) for column, kind in zip(data.columns, kinds, strict=False))
    some_rows, some_columns = _spaced(rows, _ROWS), _spaced(wide, _COLUMNS)
    # The longer axis first: pandas would else copy it whole (25 MB of 50,000 x 200).
    sample = data.iloc[some_rows].iloc[:, some_columns] if rows >= wide else data.iloc[:, some_columns].iloc[some_rows]
    return Part(name, (rows, wide), "", 0, columns, content=_bytes(sample.to_numpy()))


def _series(name: str, data: Any) -> Part:
    sample = data.iloc[_spaced(len(data), 8 * _ROWS)].to_numpy()
    return Part(name, tuple(data.shape), str(data.dtype), int(data.nbytes), content=_bytes(sample))


def _polars(name: str, data: Any) -> Part:
    frame = data if hasattr(data, "height") else data.to_frame()
    columns = tuple((str(column), _column_type(str(kind))) for column, kind in frame.schema.items())[:MOST_COLUMNS]
    sample = frame[_spaced(frame.height, _ROWS), _spaced(frame.width, _COLUMNS)]
    content = _values([value for row in sample.rows() for value in row])
    shape = (frame.height, frame.width) if frame is data else (frame.height,)
    if frame is data:
        return Part(name, shape, "", 0, columns, content=content)
    return Part(name, shape, str(data.dtype).lower(), int(data.estimated_size()), content=content)


def _column_type(dtype: str) -> str:
    """MLflow's name for a column type. Source: spec/model-format.md, signatures."""
    kind = dtype.lower()
    if kind.startswith(("int64", "uint32")):
        return "long"
    if kind.startswith(("int", "uint8", "uint16")):
        return "integer"
    for start, name in (("float64", "double"), ("uint64", "double"), ("float", "float"), ("bool", "boolean")):
        if kind.startswith(start):
            return name
    return "datetime" if kind.startswith("date") else "string"


def _sparse(name: str, data: Any) -> Part:
    arrays = [getattr(data, field, None) for field in _SPARSE_ARRAYS]
    found = [part for array in arrays for part in (array if isinstance(array, tuple) else (array,))]
    numeric = [array for array in found if getattr(getattr(array, "dtype", None), "kind", "O") != "O"]
    content = b"".join(_bytes(array) for array in numeric)
    size_bytes = sum(int(array.nbytes) for array in numeric)
    return Part(name, tuple(data.shape), str(data.dtype), size_bytes, None, int(data.nnz), content)


def _tensor(name: str, data: Any) -> Part:
    dtype = str(data.dtype).removeprefix("torch.")
    part = Part(name, tuple(data.shape), dtype, int(data.element_size() * data.nelement()))
    # Values on a device are not read: that would wait for the device.
    if data.device.type == "cpu" and str(data.layout) == "torch.strided" and data.dim() and data.nelement():
        rows = data.detach()[_spaced(len(data), _ROWS)].reshape(-1)
        values = rows[_spaced(len(rows), _ROWS * _COLUMNS)]
        part.content = bytes(values.contiguous().view(sys.modules["torch"].uint8).numpy().tobytes())
    return part


def _list(name: str, data: Sequence[Any]) -> Part:
    rows = [data[index] for index in _spaced(len(data), _ROWS)]
    if rows and all(isinstance(row, list | tuple) for row in rows):
        shape: tuple[int, ...] = (len(data), len(rows[0]))
        values = [row[index] for row in rows for index in _spaced(len(row), _COLUMNS)]
    else:
        shape, values = (len(data),), rows
    return Part(name, shape, _common_type({type(value) for value in values}), 0, content=_values(values))


def _common_type(kinds: set[type]) -> str:
    if len(kinds) == 1:
        return {bool: "bool", str: "str", int: "int64", float: "float64"}.get(kinds.pop(), "object")
    return "float64" if kinds == {int, float} else "object"
