"""Stands in for what is no plain Python function: a wrapper that pickles as the original."""

from __future__ import annotations

import copy
import pkgutil
from collections.abc import Callable
from typing import Any

import wrapt


class _BoundWatchedFunction(wrapt.BoundFunctionWrapper):  # type: ignore[type-arg]
    """What `instance.method` and `Class.method` give."""

    def __reduce_ex__(self, protocol: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        if self._self_instance is None or self._self_binding not in ("function", "instancemethod"):
            return _by_name(self)
        return getattr, (self._self_instance, self.__wrapped__.__name__)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if self._self_instance is None:
            return self
        return getattr(copy.deepcopy(self._self_instance, memo), self.__wrapped__.__name__)


class WatchedFunction(wrapt.FunctionWrapper):  # type: ignore[type-arg]
    """A callable that is watched; signature, name and pickle are the original's.

    wrapt's `enabled` is not used: a bound method taken while on would keep its value after the switch, so
    the site itself looks whether it still has a row.
    """

    __bound_function_wrapper__ = _BoundWatchedFunction

    def __reduce_ex__(self, protocol: Any) -> Any:
        import sys

        module = sys.modules.get(self.__module__)
        if getattr(module, self.__qualname__, None) is self:
            return self.__qualname__
        return _by_name(self)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self


def _by_name(function: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    return pkgutil.resolve_name, (f"{function.__module__}:{function.__qualname__}",)
