"""Finds plugins by entry point and registers each in isolation: a broken one breaks nothing else."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pluggy
from msgspec import Struct

from steno import hookspecs, settings
from steno.errors import PluginError
from steno.plugins import arrivals, discovery
from steno.plugins.arrivals import Arrivals
from steno.plugins.blame import described, is_its_own
from steno.plugins.discovery import Point
from steno.plugins.hooks import Hooks
from steno.plugins.implementations import OFFERS, Implementations, implementations, offer
from steno.plugins.registers import (
    FlavorRegister,
    ImporterRegister,
    IntegrationRegister,
    Offer,
    Register,
    StoreRegister,
)

logger = logging.getLogger("steno.plugins")

ASKED_FOR_S = 10.0
"""Up to when after the beginning a plugin that is still importing is waited for, where what it may bring is asked for
by name."""


class PluginState(Struct, frozen=True):
    """One plugin as `steno plugins` shows it; `state` is active, blocked or failed: reason."""

    name: str
    distribution: str
    version: str
    state: str
    offers: tuple[Offer, ...] = ()
    hooks: tuple[str, ...] = ()
    remedy: str = ""


class Plugins:
    """The plugins of one process; tests make their own.

    Thread-safe. `load()` runs once; every accessor calls it on first need. A plugin whose import hangs is left
    behind, and registered whole when it arrives.

    Attributes:
        failures: Why a plugin was set aside.
        when_late: Called, on another thread, after a plugin has arrived that nobody waited for.
    """

    def __init__(self, *, block: tuple[str, ...] = ()) -> None:
        self.manager = pluggy.PluginManager("steno")
        self.manager.add_hookspecs(hookspecs)
        self.stores = StoreRegister()
        self.flavors = FlavorRegister()
        self.integrations = IntegrationRegister()
        self.importers = ImporterRegister()
        self.failures: dict[str, str] = {}
        self.when_late: list[Callable[[], None]] = []
        self.hooks = Hooks(self.manager, self._fail, self.wait)
        self._points: dict[str, Point] = {}
        self._implemented: dict[str, tuple[str, ...]] = {}
        self._blocked = set(block)
        self._arrivals = Arrivals((), self._arrive)
        self._begun = self._loaded = False
        self._loading = threading.RLock()  # held while plugins are imported; `_lock` never is
        self._lock = threading.RLock()
        self._registers: tuple[Register[Any], ...] = (
            *self.stores.registers,
            self.flavors,
            self.integrations,
            self.importers,
        )
        for register in self._registers:
            register.wait = self.wait

    def load(self) -> Plugins:
        """Find and register every installed plugin, once."""
        if self._loaded or self._arrivals.is_at_work():
            return self
        with self._loading:
            if not self._loaded:
                self._load()
        return self

    def _load(self) -> None:
        self._blocked.update(filter(None, (p.strip() for p in settings.load().block_plugins.split(","))))
        found = discovery.installed()
        if self._begun:  # a signal's handler asks while this thread is at it
            return
        self._begun = True
        try:
            self._arrivals = Arrivals(self._wanted(found), self._arrive)
            self._arrivals.run()
        finally:
            self._loaded = True  # also after Ctrl-C: what is under way goes on by itself

    def wait(self, timeout_s: float = ASKED_FOR_S) -> bool:
        """Wait for plugins that are still importing, at most until `timeout_s` after their beginning.

        Returns whether there were any: then what was not found may be there now.
        """
        return self._arrivals.wait(timeout_s)

    def register(self, plugin: ModuleType | object, name: str) -> bool:
        """Register one plugin, whole or not at all; returns False, with the reason in `failures`, if it is broken."""
        if self.manager.has_plugin(name):
            self.failures[f"{name} (again)"] = f"a plugin is registered as {name!r} already"
            return False
        try:
            # A plugin's own code runs without a lock: it may hang, and others must be able to go on.
            implemented = implementations(plugin)
            brought = _brought(implemented, name)
            with self._lock:
                self._take(plugin, name, implemented, brought)
        except BaseException as error:  # plugin loading: isolate, record, go on
            if not is_its_own(error):
                raise
            self._fail(name, error)
            return False
        self.failures.pop(name, None)
        return True

    def _take(self, plugin: Any, name: str, implemented: dict[str, Any], brought: list[tuple[Offer, ...]]) -> None:
        for other, each in self.manager.list_name_plugin():
            if getattr(each, "plugin", None) is plugin:
                raise PluginError(f"the same module is the plugin {other!r}; one of the two entry points is too many")
        for register, offers in zip(self._registers, brought, strict=True):
            for each_offer in offers:
                register.add(each_offer)
        self.manager.register(Implementations(plugin, implemented), name)
        self._implemented[name] = tuple(each.steno_impl.get("specname") or hook for hook, each in implemented.items())

    def unregister(self, name: str) -> None:
        """Take a plugin out, with all it offered."""
        with self._lock:
            if self.manager.has_plugin(name):
                self.manager.unregister(name=name)
            for register in self._registers:
                register.drop(name)

    def states(self) -> list[PluginState]:
        """Every plugin found, in the order it was found; waits a moment for those that are still importing."""
        self.load().wait(arrivals.ALL_S)
        late = self._arrivals.late()
        return [self._state(name, point, late.get(name)) for name, point in self._points.items()]

    def reset_after_fork(self) -> None:
        """In a forked child: another thread may have held a lock, and what it was importing never comes."""
        self._loading, self._lock = threading.RLock(), threading.RLock()
        self._arrivals.forget()
        if not self._loaded:
            self._begun = False
            self._points.clear()

    def _state(self, name: str, point: Point, importing_s: float | None) -> PluginState:
        state, remedy = "active", ""
        if name in self._blocked:
            state, remedy = "blocked", "take it out of STENO_BLOCK_PLUGINS"
        elif name in self.failures:
            state, remedy = f"failed: {self.failures[name]}", _remedy(point)
        elif importing_s is not None:
            state = f"failed: its import has taken {importing_s:.1f} s and goes on; nobody waits for it"
            remedy = _remedy(point)
        return PluginState(name, *point.origin, state, self._offers_of(name), self._implemented.get(name, ()), remedy)

    def _wanted(self, points: list[Point]) -> list[Point]:
        """Note what was found, and return what is to be imported."""
        wanted = []
        for point in points:
            taken = self._points.get(point.name)
            if taken is not None:
                name = f"{point.name} ({point.value})"
                self._points[name] = point
                self.failures[name] = (
                    f"the name {point.name!r} is taken by {taken.value!r} of {taken.origin[0]}; rename one of them"
                )
                continue
            self._points[point.name] = point
            if point.name not in self._blocked and not self.manager.has_plugin(point.name):
                wanted.append(point)
        return wanted

    def _arrive(self, point: Point, plugin: Any, error: BaseException | None) -> None:
        if error is not None:
            self._fail(point.name, error)
        elif self.register(plugin, point.name) and self._loaded:
            logger.info("plugin %r arrived late: its import took long", point.name)
            for each in self.when_late:
                each()

    def _fail(self, name: str, error: BaseException) -> None:
        self.unregister(name)
        self.failures[name] = described(error)
        logger.warning("plugin %r is set aside: %s (see `steno plugins`)", name, self.failures[name])

    def _offers_of(self, name: str) -> tuple[Offer, ...]:
        return tuple(o for register in self._registers for o in register.offers.values() if o.plugin == name)


def _brought(implemented: dict[str, Any], plugin: str) -> list[tuple[Offer, ...]]:
    """Let a plugin say what it offers; nobody else sees it yet."""
    stores = StoreRegister(plugin)
    others = (FlavorRegister(plugin), IntegrationRegister(plugin), ImporterRegister(plugin))
    for hook, register in zip(OFFERS, (stores, *others), strict=True):
        if hook in implemented:
            offer(implemented[hook], register)
    return [tuple(register.offers.values()) for register in (*stores.registers, *others)]


def _remedy(point: Point) -> str:
    name, version = point.origin
    where = f"{name} {version}".strip() or point.value
    return f"update or uninstall {where}, or leave it out with STENO_BLOCK_PLUGINS={point.name}"


_plugins = Plugins()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_plugins.reset_after_fork)


def plugins() -> Plugins:
    """The plugins of this process, loaded."""
    return _plugins.load()
