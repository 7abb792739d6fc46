"""What a `Dataset` was made of: once it is constructed, LightGBM keeps binned numbers and lets go of the rest."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any, NamedTuple


class _Source(NamedTuple):
    """What a dataset was made of, for as long as the user keeps it."""

    dataset: weakref.ref[Any]
    data: weakref.ref[Any]
    label: weakref.ref[Any] | None


_sources: dict[int, _Source] = {}


def remember(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Note what a dataset is about to be made of, without keeping it alive."""
    dataset, *rest = args
    data = kwargs.get("data", rest[0] if rest else None)
    label = kwargs.get("label", rest[1] if len(rest) > 1 else None)
    key, pop = id(dataset), _sources.pop
    try:
        found = _Source(weakref.ref(dataset, lambda gone: pop(key, None)), weakref.ref(data), _weak(label))
    except TypeError:  # a list, a path, a part of another dataset
        pop(key, None)
        return
    _sources[key] = found


def forget() -> None:
    """Know of no dataset any more."""
    _sources.clear()


def source_of(dataset: Any) -> tuple[Any, Any]:
    """Return features and labels that a dataset is made of; None for what is gone."""
    data, label = getattr(dataset, "data", None), getattr(dataset, "label", None)
    if data is not None:
        return data, label
    found = _sources.get(id(dataset))
    if found is None or found.dataset() is not dataset:
        return None, None
    return found.data(), found.label() if found.label is not None else None


def _weak(value: Any) -> weakref.ref[Any] | None:
    try:
        return weakref.ref(value) if value is not None else None
    except TypeError:
        return None
