"""Finds plugins by entry point and registers each in isolation: a broken one breaks nothing else."""

from __future__ import annotations

import logging
import threading
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pluggy
from msgspec import Struct

from steno import hookspecs, settings
from steno.errors import PluginError
from steno.plugins.hooks import Hooks
from steno.plugins.registers import FlavorRegister, IntegrationRegister, Offer, StoreRegister

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

logger = logging.getLogger("steno.plugins")
GROUP = "steno"


class PluginState(Struct, frozen=True):
    """One plugin as `steno plugins` shows it; `state` is active, blocked or failed: reason."""

    name: str
    distribution: str
    version: str
    state: str
    offers: tuple[Offer, ...] = ()


class Plugins:
    """The plugins of one process; tests make their own.

    Thread-safe. `load()` runs once; every accessor calls it on first need.
    """

    def __init__(self, *, block: tuple[str, ...] = ()) -> None:
        self.manager = pluggy.PluginManager("steno")
        self.manager.add_hookspecs(hookspecs)
        self.stores = StoreRegister()
        self.flavors = FlavorRegister()
        self.integrations = IntegrationRegister()
        self.failures: dict[str, str] = {}
        self.hooks = Hooks(self.manager, self._fail)
        self._points: dict[str, EntryPoint] = {}
        self._blocked = set(block)
        self._loaded = False
        self._lock = threading.RLock()

    def load(self) -> Plugins:
        """Find and register every installed plugin, once."""
        if self._loaded:
            return self
        with self._lock:
            if not self._loaded:
                self._blocked.update(filter(None, (p.strip() for p in settings.load().block_plugins.split(","))))
                for entry_point in _entry_points():
                    self._load_one(entry_point)
                self._loaded = True
        return self

    def register(self, plugin: ModuleType | object, name: str) -> bool:
        """Register one plugin; returns False, with the reason in `failures`, if it is broken."""
        with self._lock:
            try:
                self.manager.register(plugin, name)
                _check_names(plugin)
                for register in (self.stores, self.flavors, self.integrations):
                    register.plugin = name
                self._take_offers(name)
            except Exception as error:  # plugin loading: isolate, record, go on
                self._fail(name, error)
                return False
            return True

    def unregister(self, name: str) -> None:
        """Take a plugin out, with all it offered."""
        with self._lock:
            if self.manager.has_plugin(name):
                self.manager.unregister(name=name)
            for register in (self.stores, self.flavors, self.integrations):
                register.drop(name)

    def states(self) -> list[PluginState]:
        """Every plugin found, in the order it was found."""
        self.load()
        rows = []
        for name, point in self._points.items():
            state = f"failed: {self.failures[name]}" if name in self.failures else "active"
            state = "blocked" if name in self._blocked else state
            rows.append(PluginState(name, *_origin(point), state, self._offers_of(name)))
        return rows

    def _load_one(self, entry_point: EntryPoint) -> None:
        name = entry_point.name
        if name in self._points:
            other, name = self._points[name], f"{name} ({entry_point.value})"
            self._points[name] = entry_point
            self.failures[name] = f"the name {entry_point.name!r} is taken by {other.value!r}; rename one of them"
            return
        self._points[name] = entry_point
        if name in self._blocked:
            return
        try:
            plugin = entry_point.load()
        except Exception as error:  # plugin loading: isolate, record, go on
            self._fail(name, error)
            return
        self.register(plugin, name)

    def _take_offers(self, name: str) -> None:
        # Called per plugin rather than as a historic call, so that an error is that plugin's alone.
        for hook, register in (
            ("steno_register_stores", self.stores),
            ("steno_register_flavors", self.flavors),
            ("steno_register_integrations", self.integrations),
        ):
            for impl in getattr(self.manager.hook, hook).get_hookimpls():
                if impl.plugin_name == name:
                    impl.function(**{"register": register} if impl.argnames else {})

    def _fail(self, name: str, error: BaseException) -> None:
        self.unregister(name)
        self.failures[name] = f"{type(error).__name__}: {error}"
        logger.warning("plugin %r is set aside: %s (see `steno plugins`)", name, self.failures[name])

    def _offers_of(self, name: str) -> tuple[Offer, ...]:
        registers = (self.stores.run_stores, self.stores.artifact_stores, self.flavors, self.integrations)
        return tuple(o for register in registers for o in register.offers.values() if o.plugin == name)


def _check_names(plugin: Any) -> None:
    """Refuse a plugin with an implementation of a hook that does not exist (a misspelling)."""
    known = [name for name in dir(hookspecs) if name.startswith("steno_")]
    for name in dir(plugin):
        if name not in known and getattr(getattr(plugin, name, None), "steno_impl", None):
            import difflib

            near = difflib.get_close_matches(name, known, 1)
            raise PluginError(f"unknown hook {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))


def _entry_points() -> list[EntryPoint]:
    """All entry points of the group by name; where a name is claimed twice, what ships here comes first."""
    from importlib.metadata import entry_points

    found = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    names = [point.name for point in found]
    # A distribution's name costs reading its metadata file, so it is read only to settle a clash.
    return sorted(found, key=lambda point: (point.name, names.count(point.name) > 1 and _origin(point)[0] != GROUP))


def _origin(point: EntryPoint) -> tuple[str, str]:
    return (point.dist.name, point.dist.version) if point.dist else ("", "")


_plugins = Plugins()


def plugins() -> Plugins:
    """The plugins of this process, loaded."""
    return _plugins.load()
