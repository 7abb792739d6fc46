"""What a plugin implements, looked at once as it is registered: the names, arguments and kinds of its hooks."""

from __future__ import annotations

import inspect
from types import FunctionType, MethodType
from typing import Any

from steno import hookspecs
from steno.errors import PluginError

KNOWN = tuple(name for name in vars(hookspecs) if name.startswith("steno_"))
_SUSPENDS = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
OFFERS = (
    "steno_register_stores",
    "steno_register_flavors",
    "steno_register_integrations",
    "steno_register_importers",
)


class Implementations:
    """What is registered in a plugin's place: its hooks and nothing else, since all there is is looked through."""

    def __init__(self, plugin: Any, found: dict[str, Any]) -> None:
        self.__dict__.update(found)
        self.__dict__["plugin"] = plugin

    def __dir__(self) -> list[str]:
        return [name for name in self.__dict__ if name != "plugin"]


def implementations(plugin: Any) -> dict[str, Any]:
    """Return the hooks a plugin implements, by name.

    Raises:
        PluginError: It is a class, or nothing at all; a hook is misspelled, not marked, or a wrapper.
    """
    if plugin is None or isinstance(plugin, type):
        raise PluginError(f"a plugin is a module or an object, not {'None' if plugin is None else 'a class'}")
    found = {}
    for name in dir(plugin):
        value = getattr(plugin, name, None)
        if not isinstance(value, FunctionType | MethodType):
            continue  # whatever else it holds is not asked for anything: it may do much when it is
        options = getattr(value, "steno_impl", None)
        if isinstance(options, dict):
            hook = options.get("specname") or name
            _check(hook, options, value)
            if hook in KNOWN:
                found[name] = value
        elif name in KNOWN:
            raise PluginError(f"{name} is not marked with steno.hookimpl, so nothing would call it")
    return found


def _check(hook: str, options: dict[str, Any], function: Any) -> None:
    if hook not in KNOWN and not options.get("optionalhook"):
        import difflib

        near = difflib.get_close_matches(hook, KNOWN, 1)
        raise PluginError(f"unknown hook {hook!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    if options.get("hookwrapper") or options.get("wrapper"):
        raise PluginError(f"{hook} is written as a wrapper of other plugins, which steno does not have")
    if getattr(getattr(function, "__code__", None), "co_flags", 0) & _SUSPENDS:
        raise PluginError(f"{hook} is a generator or coroutine function, which nothing would run")


def offer(function: Any, register: Any) -> None:
    """Call an implementation of one of `OFFERS`."""
    code = function.__code__
    takes = "register" in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    function(**{"register": register} if takes else {})
