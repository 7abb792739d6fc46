"""What a `DMatrix` was made of: XGBoost keeps its own copy of the numbers and forgets the rest."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any, NamedTuple


class _Source(NamedTuple):
    """What a matrix was made of, for as long as the user keeps it."""

    matrix: weakref.ref[Any]
    data: weakref.ref[Any]
    label: weakref.ref[Any] | None


_sources: dict[int, _Source] = {}


def remember(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Note what a matrix is about to be made of, without keeping it alive."""
    matrix, *rest = args
    data = kwargs.get("data", rest[0] if rest else None)
    label = kwargs.get("label", rest[1] if len(rest) > 1 else None)
    key = id(matrix)
    try:
        found = _Source(weakref.ref(matrix, lambda gone: _sources.pop(key, None)), weakref.ref(data), _weak(label))
    except TypeError:  # a list, a path, a slice of another matrix
        _sources.pop(key, None)
        return
    _sources[key] = found


def forget() -> None:
    """Know of no matrix any more."""
    _sources.clear()


def source_of(matrix: Any) -> tuple[Any, Any]:
    """Return features and labels that a matrix was made of; None for what is gone or was never an array."""
    found = _sources.get(id(matrix))
    if found is None or found.matrix() is not matrix or matrix is None:
        return None, None
    data = found.data()
    shape = getattr(data, "shape", None)
    if not isinstance(shape, tuple) or shape != (matrix.num_row(), matrix.num_col()):
        return None, None
    return data, found.label() if found.label is not None else None


def _weak(value: Any) -> weakref.ref[Any] | None:
    try:
        return weakref.ref(value) if value is not None else None
    except TypeError:
        return None
