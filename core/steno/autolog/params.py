"""Params of any shape as short texts, without running code of the user's that has no bound."""

from __future__ import annotations

import inspect
import re
import reprlib
import sys
from collections.abc import Iterator, Mapping
from enum import Enum
from functools import lru_cache
from itertools import islice
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

KEY_LENGTH = 250
VALUE_LENGTH = 6000
_DEPTH = 6
_NOT_IN_KEYS = re.compile(r"[^/\w.\- :]")
_PLAIN = (str, int, float, bool, complex, bytes, type(None))


def flatten_params(params: Mapping[str, Any], limit: int = 300) -> dict[str, str]:
    """Return params as texts under flat keys: `{"a": {"b": 1}}` becomes `{"a.b": "1"}`.

    Args:
        params: Any values; arrays and frames are summed up, estimators shown with what was set on them.
        limit: How many entries at most; the first ones are kept.
    """
    flat: dict[str, str] = {}
    for key, value in islice(_leaves(params, "", 0), limit):
        flat.setdefault(_NOT_IN_KEYS.sub("_", key)[:KEY_LENGTH] or "_", show(value))
    return flat


def show(value: Any) -> str:
    """Return a value as a text of at most 6000 characters."""
    if isinstance(value, str):
        return str(value[:VALUE_LENGTH])
    return _shortly.repr(value)[:VALUE_LENGTH]


def _leaves(params: Mapping[Any, Any], prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    for key, value in params.items():
        name = f"{prefix}{key if isinstance(key, str) else _shortly.repr(key)}"
        if type(value) is dict and value and depth < _DEPTH:
            yield from _leaves(value, f"{name}.", depth + 1)
        else:
            yield name, value


class _Shortly(reprlib.Repr):
    """The standard library's bounded repr, which calls no `__repr__` of a user's class."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 4
        self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = self.maxdeque = self.maxdict = 50
        self.maxstring = self.maxlong = 500

    def repr1(self, x: Any, level: int) -> str:
        kind = type(x)
        if isinstance(x, bool | float | complex | type(None)) and kind.__module__ == "builtins":
            return repr(x)
        if isinstance(x, Enum):
            return f"{kind.__name__}.{x.name}"
        if isinstance(x, type | FunctionType | BuiltinFunctionType | MethodType):
            return str(getattr(x, "__qualname__", kind.__qualname__))
        if kind.__module__ == "builtins" or (kind.__module__, kind.__name__) in _CONTAINERS:
            return super().repr1(x, level)
        return self._object(x, level)

    def _object(self, x: Any, level: int) -> str:
        kind = type(x)
        top = kind.__module__.partition(".")[0]
        if top == "numpy" and not kind.__name__.endswith("ndarray") and hasattr(x, "item"):
            return self.repr1(x.item(), level)
        shape = getattr(x, "shape", None) if "shape" in _names(kind) else None
        if isinstance(shape, tuple):
            dtype = getattr(x, "dtype", None)
            return f"{kind.__name__}(shape={shape}" + (f", dtype={dtype})" if dtype is not None else ")")
        if top in sys.stdlib_module_names and top != "__main__" and not hasattr(kind, "__len__"):
            return str(x)  # dates, paths, fractions
        if hasattr(kind, "get_params") and level > 0:
            return self._estimator(x, level)
        return kind.__qualname__

    def _estimator(self, x: Any, level: int) -> str:
        """As scikit-learn shows an estimator: its class, and the params that were set."""
        try:
            params = x.get_params(deep=False)
            defaults = _parameters(type(x))  # type: ignore[arg-type]  # a type is hashable unless its metaclass is odd
        except Exception:  # advice: shown by name alone
            return type(x).__qualname__
        given = [(k, v) for k, v in params.items() if not _is_default(v, defaults.get(k))]
        parts = [f"{key}={self.repr1(value, level - 1)}" for key, value in given[: self.maxdict]]
        return f"{type(x).__qualname__}({', '.join(parts)})"


@lru_cache(256)
def _parameters(kind: type) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(kind.__init__).parameters  # type: ignore[misc]  # read, not called


def _is_default(value: Any, parameter: inspect.Parameter | None) -> bool:
    if parameter is None:
        return False
    default = parameter.default
    return value is default or (type(value) is type(default) and type(value) in _PLAIN and value == default)


def _names(kind: type) -> set[str]:
    return {name for cls in kind.__mro__ for name in vars(cls)}


_CONTAINERS = {("collections", "deque"), ("array", "array")}
_shortly = _Shortly()
