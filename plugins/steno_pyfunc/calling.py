"""Calls a PythonModel's methods: with the context it was loaded with, and with those arguments it has."""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
import weakref
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from steno.errors import InvalidValue, ModelError
from steno.models.python_model import PythonModel, PythonModelContext

# By identity, since a user's class may define equality as it likes.
_contexts: dict[int, tuple[weakref.ref[Any], PythonModelContext]] = {}


def attach(model: Any, context: PythonModelContext) -> None:
    """Remember what a model was loaded with, for as long as it lives."""
    key = id(model)
    _contexts[key] = (weakref.ref(model, lambda _: _contexts.pop(key, None)), context)


def context_of(model: Any, config: Mapping[str, Any] | None) -> PythonModelContext:
    """Return what a model was loaded with; for one that was not loaded, only its configuration."""
    found = _contexts.get(id(model))
    return found[1] if found is not None and found[0]() is model else PythonModelContext({}, config)


def call(model: Any, name: str, inputs: Any, params: Mapping[str, Any], conf: Mapping[str, Any]) -> Any:
    """Call `predict` or `predict_stream`. Raises: ModelError if the model has none."""
    method = getattr(model, name, None)
    if not callable(method) or getattr(type(model), name, None) is getattr(PythonModel, name):
        raise ModelError(f"{type(model).__name__} has no {name}")
    wanted = _arguments(method)
    arguments = (context_of(model, conf.get("config")), inputs) if takes_context(wanted) else (inputs,)
    return method(*arguments, **({"params": dict(params) or None} if "params" in wanted else {}))


def streams(model: Any) -> bool:
    """Whether a model writes its answer piece by piece."""
    own = getattr(type(model), "predict_stream", None)
    return callable(own) and own is not PythonModel.predict_stream


def takes_context(wanted: Mapping[str, inspect.Parameter]) -> bool:
    """Whether the first argument of `predict` is the context: by its name, or since two have to be given."""
    first = next(iter(wanted), None)
    if first == "context" or any(each.kind is inspect.Parameter.VAR_POSITIONAL for each in wanted.values()):
        return True
    needed = [name for name, each in wanted.items() if each.default is inspect.Parameter.empty and name != "params"]
    return len(needed) > 1


def hints(model: Any) -> tuple[Any, Any]:
    """Return the type hints of what `predict` takes and gives, None for each that has none."""
    function = _function(model)
    try:
        found = typing.get_type_hints(function)
        wanted = _arguments(function)
    except (NameError, TypeError, AttributeError, ValueError):  # names that cannot be resolved say nothing
        return None, None
    names = [name for name in wanted if name not in ("params", "self")]
    if takes_context(wanted):
        names = names[1:]
    return (found.get(names[0]) if names else None), found.get("return")


def as_hinted(model: Any, inputs: Any) -> Any:
    """Return a list of inputs with each made an instance of the class the type hint names, where it has to be."""
    hint, _ = hints(model)
    element = next(iter(typing.get_args(hint)), None)
    if not isinstance(element, type):
        return inputs
    make = getattr(element, "model_validate", None)
    if make is None and dataclasses.is_dataclass(element):
        make = partial(_filled, element)
    if not callable(make):
        return inputs
    return [each if isinstance(each, element) else make(each) for each in inputs]


def _filled(hint: Any, value: Any) -> Any:
    """Return plain data as its hint has it: dicts as the dataclasses they are for. Raises: InvalidValue.

    By calling the class: what else reads a dataclass's fields finds no defaults in one that was pickled by value.
    """
    arguments = [each for each in typing.get_args(hint) if each is not type(None)]
    if isinstance(value, Mapping) and isinstance(hint, type) and dataclasses.is_dataclass(hint):
        hints = _hints_of_fields(hint, value)
        try:
            return hint(**{name: _filled(hints.get(name), each) for name, each in value.items()})
        except TypeError as error:
            raise InvalidValue(f"an input is no {hint.__qualname__}, which the type hint names: {error}") from error
    if isinstance(value, list) and typing.get_origin(hint) is list:
        return [_filled(arguments[0], each) for each in value]
    if isinstance(value, Mapping) and typing.get_origin(hint) is dict:
        return {name: _filled(arguments[-1], each) for name, each in value.items()}
    optional = typing.get_origin(hint) in (typing.Union, types.UnionType) and len(arguments) == 1
    return _filled(arguments[0], value) if optional else value


def _hints_of_fields(kind: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the hints of a dataclass by field. Raises: InvalidValue if they are needed and cannot be resolved."""
    try:
        return typing.get_type_hints(kind)
    except NameError as error:  # text that names what only the script that made the class has
        if any(isinstance(each, (Mapping, list)) for each in given.values()):
            raise InvalidValue(
                f"the type hints of {kind.__qualname__} are text ({error}): define it in a module that code_paths= "
                "keeps with the model, or without `from __future__ import annotations`"
            ) from error
        return {}


def _function(model: Any) -> Callable[..., Any]:
    function = vars(model).get("func") if hasattr(model, "__dict__") else None
    found: Callable[..., Any] = function if callable(function) else model.predict
    return found


def _arguments(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(function).parameters
