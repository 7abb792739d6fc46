"""What a `Pool` was made of: CatBoost keeps its own copy of the numbers and forgets the rest."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any, NamedTuple


class _Source(NamedTuple):
    """What a pool was made of, for as long as the user keeps it."""

    pool: weakref.ref[Any]
    data: weakref.ref[Any]
    label: weakref.ref[Any] | None


_sources: dict[int, _Source] = {}


def remember(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Note what a pool is about to be made of, without keeping it alive."""
    pool, *rest = args
    data = kwargs.get("data", rest[0] if rest else None)
    label = kwargs.get("label", rest[1] if len(rest) > 1 else None)
    key = id(pool)
    pop = _sources.pop  # at the end of the interpreter this module has no names left
    try:
        found = _Source(weakref.ref(pool, lambda gone: pop(key, None)), weakref.ref(data), _weak(label))
    except TypeError:  # a list, a path
        pop(key, None)
        return
    _sources[key] = found


def forget() -> None:
    """Know of no pool any more."""
    _sources.clear()


def source_of(pool: Any) -> tuple[Any, Any]:
    """Return features and labels that a pool was made of; None for what is gone or was never an array."""
    found = _sources.get(id(pool))
    held: Any = found.pool() if found is not None else None
    if found is None or held is None or held is not pool:
        return None, None
    data = found.data()
    shape = getattr(data, "shape", None)
    if not isinstance(shape, tuple) or shape != (held.num_row(), held.num_col()):
        return None, None
    return data, found.label() if found.label is not None else None


def _weak(value: Any) -> weakref.ref[Any] | None:
    try:
        return weakref.ref(value) if value is not None else None
    except TypeError:
        return None
