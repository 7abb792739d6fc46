"""The policy of the three kinds of hooks, one typed method per hook; nothing else calls a hook."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from steno.errors import PluginError
from steno.plugins.blame import described, is_its_own
from steno.plugins.offers import Offer, functions
from steno.plugins.tags import sound
from steno.plugins.watchers import Watcher, size_of

if TYPE_CHECKING:
    import click
    import pluggy

    from steno.records import Batch

logger = logging.getLogger("steno.plugins")

SLOW_S = 1.0
"""How long a hook may take on the user's thread before that is said."""
GATES_S = 3.0
"""Up to when after the first import began a gate waits for plugins that are still importing."""


def _as_it_is(result: Any) -> Any:
    return result


class Hooks:
    """Calls the hooks of one plugin manager."""

    def __init__(
        self,
        manager: pluggy.PluginManager,
        fail: Callable[[str, BaseException], None],
        wait: Callable[[float], bool] = lambda timeout_s: False,
    ) -> None:
        self._manager = manager
        self._fail = fail
        self._wait = wait  # for plugins that are still importing: a gate among them must not be passed by
        self.commands: dict[str, tuple[str, ...]] = {}
        self._warned: set[tuple[str, str]] = set()
        self._watchers: dict[str, Watcher] = {}

    # offers: a plugin that raises is set aside

    def register_commands(self, cli: click.Group) -> None:
        """Let plugins add commands."""
        self._add_commands("steno_register_commands", {"cli": cli}, cli)

    def register_model_commands(self, models: click.Group) -> None:
        """Let plugins add commands to `steno models`."""
        self._add_commands("steno_register_model_commands", {"models": models}, models, "models ")

    def _add_commands(self, hook: str, given: dict[str, Any], group: click.Group, prefix: str = "") -> None:
        for plugin, call in self._implementations(hook, given):
            before = set(group.commands)
            try:
                call()
            except BaseException as error:  # policy of offers: set that plugin aside, with the commands it added
                for name in set(group.commands) - before:
                    del group.commands[name]
                if not is_its_own(error):
                    raise
                self._fail(plugin, error)
            added = {prefix + name for name in set(group.commands) - before}
            self.commands[plugin] = tuple(sorted({*self.commands.get(plugin, ()), *added}))

    def pyfunc_functions(self) -> dict[str, Offer]:
        """Collect the functions that plugins bring for `steno.pyfunc`, by name."""
        found: dict[str, Offer] = {}
        hook = "steno_pyfunc_functions"
        for plugin, call in self._implementations(hook, {}):
            try:
                for offer in functions(self._timed(hook, plugin, call), plugin):
                    found.setdefault(offer.name, offer)
            except BaseException as error:  # policy of offers: set that plugin aside, others go on
                if not is_its_own(error):
                    raise
                self._fail(plugin, error)
        return found

    def run_tags(self) -> dict[str, str]:
        """Collect the tags of a run that is about to begin."""
        tags: dict[str, str] = {}
        for found in self._offer("steno_run_tags", read=sound):
            tags.update(found)
        return tags

    # gates: what raises keeps the gate shut

    def before_write(self, run_id: str, batch: Batch) -> None:
        """Let plugins edit a batch. Raises: PluginError that names who withholds it, and why."""
        hook = "steno_before_write"
        self._wait(GATES_S)
        for plugin, call in self._implementations(hook, {"run_id": run_id, "batch": batch}):
            try:
                call()
            except BaseException as error:  # policy of gates: shut; but the thread that carries goes on
                if not is_its_own(error):
                    raise
                raise PluginError(f"plugin {plugin!r} withholds it: {described(error)}") from error

    def before_model_load(self, manifest: Any, untrusted: frozenset[str]) -> None:
        """Let plugins refuse a model; raises what a plugin raised."""
        self._wait(GATES_S)
        given = {"manifest": manifest, "untrusted": untrusted}
        for plugin, call in self._implementations("steno_before_model_load", given):
            try:
                call()
            except BaseException as error:  # policy of gates: shut, also by a `sys.exit()`
                if isinstance(error, Exception) or not is_its_own(error):
                    raise
                raise PluginError(f"plugin {plugin!r} refuses the model: {described(error)}") from error

    # observers: what raises is logged once per plugin

    def run_started(self, run: Any) -> None:
        """Tell that a run is open."""
        self._observe("steno_run_started", run=run)

    def run_ended(self, run: Any, error: BaseException | None) -> None:
        """Tell that a run has ended."""
        self._observe("steno_run_ended", run=run, error=error)

    def batch_written(self, run_id: str, batch: Batch, store_uri: str) -> None:
        """Tell that the store has a batch; each plugin is told on a thread of its own. Never raises."""
        hook = "steno_batch_written"
        found = self._implementations(hook, {"run_id": run_id, "batch": batch, "store_uri": store_uri})
        for plugin, call in found:
            try:
                watcher = self._watchers.setdefault(plugin, Watcher(plugin))
                watcher.put(partial(self._show, hook, plugin, call), size_of(batch))
            except Exception as error:  # policy of observers: no thread can be started, say
                self._say_once(hook, plugin, error)

    def settle(self, timeout_s: float) -> list[str]:
        """Wait until every plugin has seen every batch there is; returns the names of those that have not.

        A plugin that is stuck is not waited for.
        """
        deadline = time.monotonic() + timeout_s
        return [plugin for plugin, watcher in list(self._watchers.items()) if not watcher.settle(deadline)]

    def integration_failed(self, integration: str, target: str, error: BaseException) -> None:
        """Tell that advice raised and was contained."""
        self._observe("steno_integration_failed", integration=integration, target=target, error=error)

    def model_saved(self, model: Any, run_id: str | None) -> None:
        """Tell that a model was written."""
        self._observe("steno_model_saved", model=model, run_id=run_id)

    def model_version_changed(self, before: Any, after: Any) -> None:
        """Tell that a registered model's version was created, changed or deleted."""
        self._observe("steno_model_version_changed", before=before, after=after)

    def is_watched(self, hook: str) -> bool:
        """Say whether anyone implements a hook: what only serves to call it can be left undone otherwise."""
        return bool(getattr(self._manager.hook, hook).get_hookimpls())

    def _offer(self, hook: str, read: Callable[[Any], Any] = _as_it_is, **arguments: Any) -> list[Any]:
        results = []
        for plugin, call in self._implementations(hook, arguments):
            try:
                result = self._timed(hook, plugin, call)
                if result is not None:
                    results.append(read(result))
            except BaseException as error:  # policy of offers: set that plugin aside, others go on
                if not is_its_own(error):
                    raise
                self._fail(plugin, error)
        return results

    def _observe(self, hook: str, **arguments: Any) -> None:
        for plugin, call in self._implementations(hook, arguments):
            self._show(hook, plugin, partial(self._timed, hook, plugin, call))

    def _show(self, hook: str, plugin: str, call: Callable[[], Any]) -> None:
        try:
            call()
        except BaseException as error:  # policy of observers: log once per plugin
            if not is_its_own(error):
                raise
            self._say_once(hook, plugin, error)

    def _timed(self, hook: str, plugin: str, call: Callable[[], Any]) -> Any:
        """Call what runs on the user's thread, and say who held it up."""
        began = time.monotonic()
        result = call()
        took = time.monotonic() - began
        if took > SLOW_S and (plugin, f"{hook}, slowly") not in self._warned:
            self._warned.add((plugin, f"{hook}, slowly"))
            logger.warning("plugin %r took %.1f s in %s, and held up the caller (said once)", plugin, took, hook)
        return result

    def _say_once(self, hook: str, plugin: str, error: BaseException) -> None:
        if (plugin, hook) not in self._warned:
            self._warned.add((plugin, hook))
            logger.warning("plugin %r raised in %s: %s (said once)", plugin, hook, described(error))

    def _implementations(self, hook: str, arguments: dict[str, Any]) -> list[tuple[str, Callable[[], Any]]]:
        # Called one by one, because pluggy's own loop ends at the first exception.
        caller = getattr(self._manager.hook, hook)
        return [
            (impl.plugin_name, _bound(impl.function, {name: arguments[name] for name in impl.argnames}))
            for impl in caller.get_hookimpls()
        ]


def _bound(function: Callable[..., Any], arguments: dict[str, Any]) -> Callable[[], Any]:
    return lambda: function(**arguments)
