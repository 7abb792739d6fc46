"""Everything that is reachable by name in a framework, to tell what has changed in it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

Surface = dict[tuple[str, str], tuple[Any, ...]]

_PLAIN = (bool, int, float, complex, str, bytes, type(None))
_CONTAINERS = (list, tuple, set, frozenset, dict)
_BINDINGS = (classmethod, staticmethod, MethodType)
_LARGE = 200
INTERPRETERS = ("__warningregistry__", "__builtins__", "__slotnames__", "__abstractmethods__", "_abc_impl")


def surface(packages: Iterable[str]) -> Surface:
    """Return what each attribute of the loaded modules of some packages is, and each attribute of their classes.

    A function counts with its code, plain data and what hangs on one thread by value, all else by identity.
    """
    tops = frozenset(packages)
    found: Surface = {}
    for name, module in list(sys.modules.items()):
        if issubclass(type(module), ModuleType) and name.partition(".")[0] in tops:
            for key, value in list(vars(module).items()):
                if key in INTERPRETERS:
                    continue
                found[name, key] = _identity(value)
                if issubclass(type(value), type) and vars(value).get("__module__") == name:
                    members = [(inner, each) for inner, each in list(vars(value).items()) if inner not in INTERPRETERS]
                    found |= {(name, f"{key}.{inner}"): _identity(each) for inner, each in members}
    return found


def changed(before: Surface, after: Surface) -> set[tuple[str, str]]:
    """Return where two surfaces differ, less what importing and looking up lazily adds of the framework's own."""
    differing = {place for place in before if not _same(before[place], after.get(place, ()))}
    loaded = {module for module, _ in before}
    tops = {module.partition(".")[0] for module in loaded}
    for place in after.keys() - before.keys():
        if place[0] in loaded and not _is_own(after[place][-1], tops):
            differing.add(place)
    return differing


def changed_data(before: Surface, after: Surface) -> set[tuple[str, str]]:
    """Return where plain data differ: what a framework keeps as its settings."""
    return {
        place
        for place, value in after.items()
        if value[0] == "data" and place in before and not _same(before[place], value)
    }


def _identity(value: Any) -> tuple[Any, ...]:
    # Objects are held rather than their ids: the id of one that is gone may be another's. And they are asked nothing,
    # not even by `isinstance`: a module may keep objects that warn, import or connect when an attribute is looked up.
    kind = type(value)
    function = value.__func__ if kind in _BINDINGS else value
    if type(function) is FunctionType:
        return "function", function.__code__, tuple(vars(function)), value
    if issubclass(kind, threading.local):
        return "data", repr(sorted((key, _atom(each)) for key, each in vars(value).items())), value
    if kind in _PLAIN or (kind in _CONTAINERS and len(value) <= _LARGE):
        return "data", _text(value), None
    return "object", value


def _text(value: Any) -> str:
    """Return plain data as text; of objects in it only which they are."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_atom(key)}: {_atom(each)}" for key, each in list(value.items())) + "}"
    if isinstance(value, set | frozenset):
        return "{" + ", ".join(sorted(map(_atom, value))) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_atom, value)) + "]"
    return _atom(value)


def _atom(value: Any) -> str:
    return repr(value) if type(value) in _PLAIN else f"<{type(value).__name__} {id(value)}>"


def _same(before: tuple[Any, ...], after: tuple[Any, ...]) -> bool:
    if len(before) != len(after):
        return False
    if before[0] == "data":
        return before[:2] == after[:2]
    return before[0] == after[0] and before[-1] is after[-1] and all(a is b or a == b for a, b in _pairs(before, after))


def _pairs(before: tuple[Any, ...], after: tuple[Any, ...]) -> Iterable[tuple[Any, Any]]:
    return zip(before[1:-1], after[1:-1], strict=True)


def _is_own(value: Any, tops: set[str]) -> bool:
    """Whether it is a module, or something that one of these packages defines."""
    if issubclass(type(value), ModuleType):
        return True
    named = issubclass(type(value), (type, FunctionType, BuiltinFunctionType))
    return str(value.__module__ if named else type(value).__module__).partition(".")[0] in tops
