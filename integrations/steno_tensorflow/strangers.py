"""Which names a model's configuration would have Keras look up beyond Keras's own: told by reading it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import keras
from steno.errors import ModelError

from steno_tensorflow.allowed import LAMBDA, is_class, is_function

# Built by Keras from values that stand in the file.
_VALUES = frozenset(
    {"__tensor__", "__numpy__", "__bytes__", "__keras_tensor__", "__ellipsis__", "__slice__"},
)
_MOST_DEPTH = 200


def needed(config: Any, where: str) -> dict[str, str]:
    """Return the qualified names that are not Keras's own, each with the name Keras looks it up by.

    Raises:
        ModelError: The configuration is made to mislead, or reads files of the reader's machine.
    """
    found: dict[str, str] = {}
    registered = keras.saving.get_custom_objects()
    for value in _values(config, where):
        if isinstance(value, str):
            if value in registered:  # Keras may take the text for the name of what the process has registered
                found.setdefault(_told(registered[value], None, value), value)
        else:
            found |= _of_node(value, registered, where)
    return found


def _of_node(node: dict[str, Any], registered: Mapping[str, Any], where: str) -> dict[str, str]:
    name, module, known = node["class_name"], node.get("module"), node.get("registered_name")
    if not isinstance(name, str) or not isinstance(module, str | None) or not isinstance(known, str | None):
        raise ModelError(f"{where} names a class by something that is no text; nothing was executed")
    _check_vocabulary(node, where)
    if name in _VALUES:
        return {}
    if name == "__lambda__":
        return {LAMBDA: LAMBDA}
    if name == "__typespec__":
        name = str(node.get("spec_name"))
        return {_told(None, module, name): name}
    if name == "function":
        function = node.get("config")
        if not isinstance(function, str):
            raise ModelError(f"{where} names a function by something that is no text; nothing was executed")
        if function not in registered and is_function(module, function) and known in (None, function, "function"):
            return {}
        return {_told(registered.get(function), module, function): function}
    if known not in registered and is_class(module, name) and known in (None, name):
        return {}
    if known and (module is None or module.partition(".")[0] == "keras"):
        name = f"{module}.{name}" if known == name and module else known
        module = None
    return {_told(registered.get(known or ""), module, name): known or name}


def _told(registered: Any, module: str | None, name: str) -> str:
    """Return the qualified name of what Keras would take: what the process has registered goes before the module."""
    if registered is not None:
        return f"{registered.__module__}.{registered.__qualname__}"
    return f"{module}.{name}" if module and module != "builtins" else name


def _check_vocabulary(node: dict[str, Any], where: str) -> None:
    """A vocabulary that is a text is the path of a file, which Keras would read into the model."""
    config = node.get("config")
    if isinstance(config, dict) and isinstance(config.get("vocabulary"), str):
        raise ModelError(f"{where} takes a vocabulary from the file {config['vocabulary']!r}; refused")


def _values(config: Any, where: str) -> Iterator[Any]:
    """Every text, and every object that names a class."""
    stack: list[tuple[Any, int]] = [(config, 0)]
    while stack:
        value, depth = stack.pop()
        if depth > _MOST_DEPTH:
            raise ModelError(f"{where} is nested too deeply; nothing was executed")
        if isinstance(value, dict):
            if "class_name" in value:
                yield value
            stack += [(each, depth + 1) for each in value.values()]
        elif isinstance(value, list):
            stack += [(each, depth + 1) for each in value]
        elif isinstance(value, str):
            yield value
