"""Finds what in a value, however deep, is not of the type that a signature declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from steno.errors import InvalidValue
from steno.models import frames
from steno.models.types import AnyType, Array, DataType, Map, Object, Type
from steno.models.value_types import RANGES, dtype_type, fits, value_type

# What an array may be that is declared wider: its values are the same ones.
_WIDER: dict[DataType | None, DataType] = {DataType.integer: DataType.long, DataType.float: DataType.double}


def misfits(value: Any, kind: Type, where: str) -> Iterator[str]:
    """Yield a sentence for each part of a value that is not of a type; none if it fits.

    Args:
        value: Plain Python, or an array of numpy's.
        kind: What it should be; `any` takes everything.
        where: Names the place, as in "column 'a', row 3".
    """
    if isinstance(kind, Array):
        yield from _in_list(value, kind, where)
    elif isinstance(kind, Map):
        yield from _in_map(value, kind, where)
    elif isinstance(kind, Object):
        yield from _in_object(value, kind, where)
    elif not isinstance(kind, AnyType) and not _is_scalar(value, kind):
        yield f"{where} takes {kind}, not {_shown(value)}"


def _in_list(value: Any, kind: Array, where: str) -> Iterator[str]:
    if frames.is_ndarray(value) and value.dtype != object and value.ndim:
        if not _is_array(value, kind):
            yield f"{where} takes {_words(kind)}, not an array of {value.dtype} with {value.ndim} axes"
    elif isinstance(value, (list, tuple)) or (frames.is_ndarray(value) and value.ndim):
        for index, each in enumerate(value):
            if each is not None:  # an element cannot be declared optional
                yield from misfits(each, kind.dtype, f"{where}, element {index}")
    else:
        yield f"{where} takes a list, not {type(value).__name__}"


def _is_array(array: Any, kind: Type) -> bool:
    """Whether an array of numbers is of a type, told by its dtype alone; one without values is of any."""
    for _ in array.shape:
        if isinstance(kind, AnyType):
            return True
        if not isinstance(kind, Array):
            return False
        kind = kind.dtype
    try:
        found = dtype_type(array.dtype)
    except InvalidValue:
        return False
    return not array.size or isinstance(kind, AnyType) or kind in (found, _WIDER.get(found))


def _in_map(value: Any, kind: Map, where: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{where} takes a dict, not {type(value).__name__}"
        return
    for key, each in value.items():
        if not isinstance(key, str):
            yield f"{where} takes text as keys, not {_shown(key)}"
        yield from misfits(each, kind.value_type, f"{where}, key {key!r}")


def _in_object(value: Any, kind: Object, where: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{where} takes a dict, not {type(value).__name__}"
        return
    known = {each.name for each in kind.properties}
    if unknown := sorted(str(name) for name in value if name not in known):
        yield f"{where} has properties the signature does not declare: {', '.join(unknown)}"
    for prop in kind.properties:
        if prop.name not in value:
            if prop.required:
                yield f"{where} lacks the property {prop.name!r}"
        elif value[prop.name] is not None:
            yield from misfits(value[prop.name], prop.dtype, f"{where}, property {prop.name!r}")
        elif prop.required and not isinstance(prop.dtype, AnyType):
            yield f"{where}, property {prop.name!r} takes {_words(prop.dtype)}, not None"


def _is_scalar(value: Any, kind: DataType) -> bool:
    if frames.is_missing(value):
        return True
    try:
        found = value_type(value)
    except InvalidValue:
        return False
    if isinstance(value, (int, float)) and not isinstance(value, bool) and not frames.is_numpy_scalar(value):
        # A Python number has no width: a list that came as JSON must fit a narrower declaration too.
        if kind in RANGES and isinstance(value, int):
            return fits(value, kind)
        return found == (DataType.double if kind is DataType.float else kind)
    return found == kind


def _words(kind: Type) -> str:
    return str(kind) if isinstance(kind, DataType) else f"{'a list' if isinstance(kind, Array) else 'a dict'}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
