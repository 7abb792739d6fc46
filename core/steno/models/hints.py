"""Schemas from type hints: what `predict(self, model_input: list[str]) -> list[float]` says of itself.

Inputs described so stay a list of that type, and are checked one by one, in place of being made a table.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from steno.errors import InvalidValue
from steno.models import foreign_frames, frames
from steno.models.misfits import misfits
from steno.models.signature import ColSpec, ModelSignature, Schema
from steno.models.types import AnyType, Array, DataType, Map, Object, Property, Type

_SCALARS = {
    bool: DataType.boolean,
    int: DataType.long,
    float: DataType.double,
    str: DataType.string,
    bytes: DataType.binary,
    datetime: DataType.datetime,
    date: DataType.datetime,
}
_NONE = type(None)


def signature_of_hints(inputs: Any, outputs: Any) -> ModelSignature | None:
    """Return the signature that a function's type hints declare, None if they declare none.

    Args:
        inputs: The hint of what it takes; only a list of elements declares something.
        outputs: The hint of what it gives; anything that has no place in a signature becomes `any`.

    Raises:
        InvalidValue: A list whose elements have no place in a signature, as those that may be None.
    """
    element = _element(inputs)
    if element is None:
        return None
    given = _element(outputs)
    return ModelSignature(Schema([ColSpec(hinted(element))]), Schema([ColSpec(_of_output(given or outputs))]))


def enforce(data: Any, schema: Schema, problems: list[str]) -> list[Any]:
    """Return inputs of a model with type hints as the list it takes; what does not fit is added to the problems.

    Raises:
        InvalidValue: The data is no list, nor a table or column that could be one.
    """
    spec = schema.inputs[0]
    if len(schema) != 1 or not isinstance(spec, ColSpec):
        raise InvalidValue(f"a signature of type hints describes one thing, and this one has {len(schema)}")
    kind = spec.type
    rows = _rows(data, kind)
    for index, each in enumerate(rows):
        if each is None and not isinstance(kind, AnyType):
            problems.append(f"element {index} takes {kind}, not None")
        elif not hasattr(each, "model_dump"):  # an instance of the class itself was checked when it was made
            problems += misfits(_plain(each), kind, f"element {index}")
    return rows


def _rows(data: Any, kind: Any) -> list[Any]:
    """Return the elements of any container: where dicts are taken a table's rows are dicts, else its one column."""
    table = None if isinstance(data, list) or frames.is_ndarray(data) else foreign_frames.opened(data)
    if table is not None:
        data = foreign_frames.as_pandas(table)
    if frames.is_dataframe(data):
        if isinstance(kind, (Object, Map)) and not (data.shape[1] == 1 and data.iloc[:, 0].map(_is_dict).all()):
            rows = data.to_dict("records")
            return [{name: None if frames.is_missing(each) else each for name, each in row.items()} for row in rows]
        if data.shape[1] == 1:
            data = data.iloc[:, 0]
    if frames.is_series(data) or frames.is_ndarray(data):
        data = data.tolist()
    if not isinstance(data, list):
        raise InvalidValue(f"the model takes a list, not {type(data).__name__}")
    return data


def _plain(value: Any) -> Any:
    """Return an instance of a dataclass, whose making checks nothing, as the dict it could have been made of."""
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    return {each.name: _plain(getattr(value, each.name)) for each in dataclasses.fields(value) if each.init}


def _is_dict(value: Any) -> bool:
    return isinstance(value, Mapping)


def hinted(hint: Any) -> Type:
    """Return the type that a hint declares. Raises: InvalidValue."""
    if hint in (Any, object):
        return AnyType()
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if _NONE in arguments:
            raise InvalidValue(f"{hint} may be None, and a signature has that for properties of a class only")
        return AnyType()
    if hint is list or origin is list:
        return Array(hinted(arguments[0]) if arguments else AnyType())
    if hint is dict or origin is dict:
        if arguments and arguments[0] is not str:
            raise InvalidValue(f"{hint} has keys that are no text")
        return Map(hinted(arguments[1]) if arguments else AnyType())
    if (fields := _fields(hint)) is not None:
        return Object([_property(name, each, required) for name, each, required in fields])
    if isinstance(hint, type) and hint in _SCALARS:
        return _SCALARS[hint]
    raise InvalidValue(f"the type hint {hint!r} has no place in a signature")


def _fields(hint: Any) -> list[tuple[str, Any, bool]] | None:
    """Return name, hint and whether it has to be given, of each field of a class that has fields, else None."""
    if hasattr(hint, "model_fields"):
        return [(name, each.annotation, each.is_required()) for name, each in hint.model_fields.items()]
    if not dataclasses.is_dataclass(hint) and not typing.is_typeddict(hint):
        return None
    try:
        kinds, marked = typing.get_type_hints(hint), typing.get_type_hints(hint, include_extras=True)
    except (NameError, TypeError) as error:
        raise InvalidValue(f"the fields of {hint.__qualname__} have hints that cannot be resolved: {error}") from error
    if typing.is_typeddict(hint):
        # Its own list of them knows no marks that were postponed to be text (PEP 563).
        optional = hint.__optional_keys__ | {
            name for name, kind in marked.items() if typing.get_origin(kind) is typing.NotRequired
        }
        return [(name, kind, name not in optional) for name, kind in kinds.items()]
    given = [each for each in dataclasses.fields(hint) if each.init]
    missing = dataclasses.MISSING
    return [(each.name, kinds[each.name], each.default is each.default_factory is missing) for each in given]


def _property(name: str, hint: Any, required: bool) -> Property:
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) in (typing.Union, types.UnionType) and _NONE in arguments:
        others = [each for each in arguments if each is not _NONE]
        return Property(name, hinted(others[0]) if len(others) == 1 else AnyType(), False)
    return Property(name, hinted(hint), required)


def _element(hint: Any) -> Any:
    arguments = typing.get_args(hint)
    return arguments[0] if typing.get_origin(hint) is list and arguments else None


def _of_output(hint: Any) -> Type:
    try:
        return AnyType() if hint is None else hinted(hint)
    except InvalidValue:
        return AnyType()
