"""Requests of plain numeric tables, read by a schema that was compiled as the model was loaded.

What does not fit goes the long way, which says why; so nothing here is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from steno.models.signature import ColSpec, ModelSignature, TensorSpec
from steno.models.types import DataType

_KINDS: dict[DataType, tuple[type, str]] = {
    DataType.double: (float, "float64"),
    DataType.float: (float, "float32"),
    DataType.long: (int, "int64"),
    DataType.integer: (int, "int32"),
    DataType.boolean: (bool, "bool"),
    DataType.string: (str, "object"),
}
ORDERS = 64
"""How many orders of columns are remembered."""


NOTHING = msgspec.Raw()


class _Split(msgspec.Struct, forbid_unknown_fields=True):
    columns: list[str]
    data: msgspec.Raw


class _Request(msgspec.Struct, forbid_unknown_fields=True):
    dataframe_split: _Split | None = None
    dataframe_records: msgspec.Raw = NOTHING


class Rows:
    """Reads tables of required scalar columns. Safe for threads.

    Args:
        names: The columns, in the order of the schema.
        kinds: Of each, what JSON has and what the model takes.
    """

    def __init__(self, names: list[str], kinds: list[tuple[type, str]]) -> None:
        self._kinds = dict(zip(names, kinds, strict=True))
        self._names = names
        self._one_dtype = kinds[0][1] if len({dtype for _, dtype in kinds}) == 1 else ""
        self._readers: dict[tuple[str, ...], _Reader] = {}
        self._index: Any = None
        fields = [
            (f"c{at}", kind, msgspec.field(name=name)) for at, (name, (kind, _)) in enumerate(self._kinds.items())
        ]
        record = msgspec.defstruct("Record", fields, array_like=False)
        self._records = msgspec.json.Decoder(list[record]).decode  # type: ignore[valid-type]
        self._fields = tuple(name for name, *_ in fields)

    @classmethod
    def of(cls, signature: ModelSignature | None) -> Rows | None:
        """Return the reader of a model's tables, None where its schema is no table of plain columns."""
        specs = list(signature.inputs or ()) if signature is not None else []
        if not specs or (signature is not None and signature.params):
            return None
        kinds = [_kind(spec) for spec in specs]
        known = [kind for kind in kinds if kind is not None]
        mixed = len(set(known)) > 1 and any(dtype == "float32" for _, dtype in known)
        if len(known) < len(specs) or mixed:
            return None
        return cls([str(spec.name) for spec in specs], known)

    def read(self, body: bytes) -> Any | None:
        """Return the DataFrame that a request holds as the model takes it, None if the long way has to tell."""
        try:
            asked = _decode(body)
            if asked.dataframe_split is not None and not asked.dataframe_records:
                split = asked.dataframe_split
                reader = self._reader(tuple(split.columns))
                return self._frame(reader.decode(split.data), reader.places)
            if asked.dataframe_records and asked.dataframe_split is None:
                rows = self._records(asked.dataframe_records)
                fields = self._fields
                return self._frame([[getattr(row, name) for name in fields] for row in rows], None)
        except (msgspec.DecodeError, KeyError, OverflowError, UnicodeDecodeError):
            pass
        return None

    def _reader(self, order: tuple[str, ...]) -> _Reader:
        """Return what reads rows whose columns come in an order. Raises: KeyError if they are not the schema's."""
        found = self._readers.get(order)
        if found is None:
            if len(order) != len(self._kinds) or set(order) != self._kinds.keys():
                raise KeyError(order)
            row: Any = tuple[tuple(self._kinds[name][0] for name in order)]  # type: ignore[misc]
            places = None if list(order) == self._names else [order.index(name) for name in self._names]
            found = _Reader(msgspec.json.Decoder(list[row]).decode, places)
            if len(self._readers) < ORDERS:
                self._readers[order] = found
        return found

    def _frame(self, rows: list[Any], places: list[int] | None) -> Any | None:
        if not rows:
            return None
        import numpy as np
        import pandas as pd

        if self._index is None:
            self._index = pd.Index(self._names)
        # The names are the same in every request: what models derive from them is kept with the index.
        names = self._index.view()
        if self._one_dtype:
            values = np.array(rows, self._one_dtype)
            if self._one_dtype == "float32" and not np.isfinite(values).all():
                return None  # too large for the column, perhaps
            return pd.DataFrame(values if places is None else values[:, places], columns=names, copy=False)
        columns = list(zip(*rows, strict=True))
        ordered = columns if places is None else [columns[at] for at in places]
        dtypes = (dtype for _, dtype in self._kinds.values())
        arrays = [np.array(values, dtype) for values, dtype in zip(ordered, dtypes, strict=True)]
        frame = pd.DataFrame(dict(enumerate(arrays)), copy=False)
        frame.columns = names
        return frame


class _Reader(msgspec.Struct, frozen=True):
    """Reads rows in one order of columns.

    Attributes:
        decode: Reads them.
        places: Where each column of the schema is in them; None if they are in its order.
    """

    decode: Callable[[msgspec.Raw], list[Any]]
    places: list[int] | None


def _kind(spec: ColSpec | TensorSpec) -> tuple[type, str] | None:
    if isinstance(spec, ColSpec) and isinstance(spec.name, str) and spec.required and isinstance(spec.type, DataType):
        return _KINDS.get(spec.type)
    return None


_decode = msgspec.json.Decoder(_Request).decode
