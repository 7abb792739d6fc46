"""Applies rows to their targets, and takes them away without a trace."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from steno.autolog.site import AROUND, FunctionSite, MethodSite, Row, WrapperSite, guarded_hook
from steno.autolog.swap import CodeSwap, suspends
from steno.contracts.integration import Hook, Patch, Via
from steno.errors import PluginError

if TYPE_CHECKING:
    from steno.autolog.watcher import Watcher

# Held for bookkeeping only: resolving a target may import, and an import may wait for a thread that waits here.
_lock = threading.Lock()
_swapped: dict[int, _Swapped] = {}
_wrapped: dict[tuple[int, str], _Wrapped] = {}


class _Swapped:
    """A function whose code is exchanged while it has rows."""

    def __init__(self, function: FunctionType, site_type: type[FunctionSite], *, tapped: bool) -> None:
        self.site = site_type(function)
        self.swap = CodeSwap(function, self.site, AROUND if tapped else None)
        self.site.function = self.swap.original
        self.swap.apply()

    def revert(self) -> None:
        # If another tool has exchanged the code since, ours stays below it and passes calls through.
        self.swap.revert()
        del _swapped[id(self.swap.function)]


class _Wrapped:
    """An attribute that holds a wrapper while it has rows."""

    def __init__(self, owner: type | ModuleType, name: str, original: Any) -> None:
        from steno.autolog.wrapper import WatchedFunction

        self.owner, self.name, self.original = owner, name, original
        self.site = WrapperSite(original)
        self.own = name in vars(owner)
        self.wrapper = WatchedFunction(original, self.site)
        setattr(owner, name, self.wrapper)

    def revert(self) -> None:
        del _wrapped[id(self.owner), self.name]
        if vars(self.owner).get(self.name) is not self.wrapper:
            return  # another tool stands above us: without rows we pass calls through
        if self.own:
            setattr(self.owner, self.name, self.original)
        else:
            delattr(self.owner, self.name)


class Applied:
    """A row in place.

    Attributes:
        patch: What was asked for.
        root: The class or module the target is an attribute of.
        name: Its name there.
        function: What the user's call comes down to.
    """

    def __init__(self, patch: Patch, row: Row, root: type | ModuleType, name: str, place: _Swapped | _Wrapped) -> None:
        self.patch = patch
        self.root, self.name = root, name
        self.function = place.site.function
        self._row, self._place = row, place

    @property
    def target(self) -> str:
        """The row's target as a reader knows it."""
        return self._row.target

    @property
    def mechanism(self) -> str:
        """How the call is watched."""
        if self.patch.tap is not None:
            return "tap"
        return "code swap" if isinstance(self._place, _Swapped) else "wrapper"

    def revert(self) -> None:
        """Take the row away, and with the last one what stands in for the function."""
        with _lock:
            self._place.site.remove(self._row)
            if not self._place.site.rows:
                self._place.revert()


class Hooked:
    """A function that is registered with the framework itself."""

    mechanism = "hook"

    def __init__(
        self, patch: Patch, row: Row, root: type | ModuleType, hook: Hook, register: Callable[..., Any]
    ) -> None:
        self.patch, self.target, self.root = patch, row.target, root
        self._row = row
        self._stop: Callable[[], None] | None = None
        if not (patch.contains and patch.joins):
            hook, self._stop = guarded_hook(row, hook)
        self._handle = register(hook)

    def revert(self) -> None:
        """Take the function out of the framework's list."""
        if self._stop is not None:
            self._stop()  # whatever the framework makes of the handle
        remove = getattr(self._handle, "remove", self._handle)
        if not callable(remove):
            raise PluginError(f"{self._row.target} gave no handle to take the hook back with")
        remove()


def apply(watcher: Watcher, patch: Patch, root: ModuleType | type, order: tuple[int, int]) -> Applied | Hooked | None:
    """Put a patch in place below a module or class; None where an optional target is missing.

    Raises:
        AttributeError: The target does not exist.
        PluginError: It cannot be watched, or the patch has not exactly one of advice, tap and hook.
    """
    if sum(each is not None for each in (patch.advice, patch.tap, patch.hook)) != 1:
        raise PluginError(f"patch {patch.target!r} needs one of advice, a tap and a hook")
    try:
        owner, name, found = _resolve(root, patch.target)
    except AttributeError:
        if patch.optional:
            return None
        raise
    instances_of = owner if isinstance(owner, type) and not isinstance(found, staticmethod) else None
    row = Row(watcher, patch, instances_of, order)
    if patch.hook is not None:
        return Hooked(patch, row, root, patch.hook, getattr(owner, name))
    if isinstance(root, type):
        row.target = f"{root.__name__}.{patch.target}"
    function = _code_target(owner, found, patch.via)
    with _lock:
        place: _Swapped | _Wrapped
        place = _swap(function, owner, found, patch) if function is not None else _wrap(owner, name, found, patch)
        row.binds_instance = isinstance(place.site, MethodSite)
        place.site.add(row)
    return Applied(patch, row, owner, name, place)


def _resolve(root: ModuleType | type, target: str) -> tuple[ModuleType | type, str, Any]:
    """Return who holds the target, its name there, and the attribute as it lies there, unbound."""
    *path, name = target.split(".")
    owner: Any = root
    for part in path:
        owner = getattr(owner, part)
    if not isinstance(owner, type):
        return owner, name, getattr(owner, name)
    for cls in owner.__mro__:
        if name in vars(cls):
            return owner, name, vars(cls)[name]
    raise AttributeError(f"{owner.__name__} has no attribute {name!r}")


def _code_target(owner: ModuleType | type, found: Any, via: Via) -> FunctionType | None:
    """Return the function whose code is to be exchanged; None where a wrapper is the way."""
    if via is Via.WRAPT or (via is Via.AUTO and isinstance(owner, type)):
        return None
    function = _innermost(found)
    return function if isinstance(function, FunctionType) and not suspends(function) else None


def _innermost(found: Any) -> Any:
    """The function below decorators, so that it is watched under each of its names."""
    function = found.__func__ if isinstance(found, classmethod | staticmethod) else found
    return inspect.unwrap(function)


def _swap(function: FunctionType, owner: ModuleType | type, found: Any, patch: Patch) -> _Swapped:
    place = _swapped.get(id(function))
    if place is None:
        bound = isinstance(owner, type) and not isinstance(found, staticmethod)
        site_type = MethodSite if bound else FunctionSite
        place = _swapped[id(function)] = _Swapped(function, site_type, tapped=patch.tap is not None)
    return place


def _wrap(owner: ModuleType | type, name: str, found: Any, patch: Patch) -> _Wrapped:
    place = _wrapped.get((id(owner), name))
    if place is None:
        called = _innermost(found) if isinstance(found, classmethod | staticmethod) else found
        if suspends(called):
            raise PluginError(f"{patch.target} is a generator or coroutine function: its call is no training")
        if not isinstance(found, classmethod | staticmethod) and not callable(found) and not hasattr(found, "__get__"):
            raise PluginError(f"{patch.target} is not callable")
        place = _wrapped[id(owner), name] = _Wrapped(owner, name, found)
    return place
