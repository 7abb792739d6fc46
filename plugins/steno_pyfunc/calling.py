"""Calls a PythonModel's methods: with the context it was loaded with, and with those arguments it has."""

from __future__ import annotations

import inspect
import typing
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from steno.errors import ModelError
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
    validate = getattr(element, "model_validate", None)
    if not callable(validate) or not isinstance(element, type):
        return inputs
    return [each if isinstance(each, element) else validate(each) for each in inputs]


def _function(model: Any) -> Callable[..., Any]:
    function = vars(model).get("func") if hasattr(model, "__dict__") else None
    found: Callable[..., Any] = function if callable(function) else model.predict
    return found


def _arguments(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(function).parameters
