"""The policy of the three kinds of hooks, one typed method per hook; nothing else calls a hook."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import click
    import pluggy

    from steno.records import Batch

logger = logging.getLogger("steno.plugins")


class Hooks:
    """Calls the hooks of one plugin manager."""

    def __init__(self, manager: pluggy.PluginManager, fail: Callable[[str, BaseException], None]) -> None:
        self._manager = manager
        self._fail = fail
        self._warned: set[tuple[str, str]] = set()

    # offers: a plugin that raises is set aside

    def register_commands(self, cli: click.Group) -> None:
        """Let plugins add commands."""
        self._offer("steno_register_commands", cli=cli)

    def run_tags(self) -> dict[str, str]:
        """Collect the tags of a run that is about to begin."""
        tags: dict[str, str] = {}
        for found in self._offer("steno_run_tags"):
            tags.update(found)
        return tags

    # gates: what raises keeps the gate shut, so nothing is caught here

    def before_write(self, run_id: str, batch: Batch) -> None:
        """Let plugins edit a batch; raises what a plugin raised."""
        self._manager.hook.steno_before_write(run_id=run_id, batch=batch)

    def before_model_load(self, manifest: Any, untrusted: frozenset[str]) -> None:
        """Let plugins refuse a model; raises what a plugin raised."""
        self._manager.hook.steno_before_model_load(manifest=manifest, untrusted=untrusted)

    # observers: what raises is logged once per plugin

    def run_started(self, run: Any) -> None:
        """Tell that a run is open."""
        self._observe("steno_run_started", run=run)

    def run_ended(self, run: Any, error: BaseException | None) -> None:
        """Tell that a run has ended."""
        self._observe("steno_run_ended", run=run, error=error)

    def integration_failed(self, integration: str, target: str, error: BaseException) -> None:
        """Tell that advice raised and was contained."""
        self._observe("steno_integration_failed", integration=integration, target=target, error=error)

    def model_saved(self, model: Any, run_id: str | None) -> None:
        """Tell that a model was written."""
        self._observe("steno_model_saved", model=model, run_id=run_id)

    def _offer(self, hook: str, **arguments: Any) -> list[Any]:
        results = []
        for plugin, call in self._implementations(hook, arguments):
            try:
                result = call()
                if result is not None:
                    results.append(result)
            except Exception as error:  # policy of offers: set that plugin aside, others go on
                self._fail(plugin, error)
        return results

    def _observe(self, hook: str, **arguments: Any) -> None:
        for plugin, call in self._implementations(hook, arguments):
            try:
                call()
            except Exception as error:  # policy of observers: log once per plugin
                if (plugin, hook) not in self._warned:
                    self._warned.add((plugin, hook))
                    logger.warning("plugin %r raised in %s: %r (said once)", plugin, hook, error)

    def _implementations(self, hook: str, arguments: dict[str, Any]) -> list[tuple[str, Callable[[], Any]]]:
        # Called one by one, because pluggy's own loop ends at the first exception.
        caller = getattr(self._manager.hook, hook)
        return [
            (impl.plugin_name, _bound(impl.function, {name: arguments[name] for name in impl.argnames}))
            for impl in caller.get_hookimpls()
        ]


def _bound(function: Callable[..., Any], arguments: dict[str, Any]) -> Callable[[], Any]:
    return lambda: function(**arguments)
