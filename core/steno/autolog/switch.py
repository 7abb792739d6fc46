"""Switches watching on and off: `autolog()` for all integrations, `autolog_one()` for one."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from steno import settings
from steno.autolog import nesting
from steno.autolog import options as option_table
from steno.autolog.watcher import Watcher
from steno.contracts.integration import Options, Patch
from steno.errors import InvalidValue
from steno.plugins import plugins

if TYPE_CHECKING:
    from steno.autolog.swap import CodeSwap


class _Switch:
    """What the user has asked for, globally and by name. `lock` guards the asking; applying takes none."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.watchers: dict[str, Watcher] = {}
        self.everywhere: Options | None = None
        self.excluded: frozenset[str] = frozenset()
        self.by_name: dict[str, Options | None] = {}
        self._threads: CodeSwap | None = None

    def known(self) -> dict[str, Watcher]:
        """Every integration that is installed."""
        found = plugins()
        offers = found.integrations.offers
        with self.lock:
            if _settle_the_late not in found.when_late:
                found.when_late.append(_settle_the_late)
            gone = [watcher for name, watcher in self.watchers.items() if offers.get(name) is not watcher.offer]
            kept = {name: watcher for name, watcher in self.watchers.items() if watcher not in gone}
            self.watchers = {
                name: kept.get(name) or Watcher(offer, i) for i, (name, offer) in enumerate(offers.items())
            }
        for watcher in gone:
            watcher.switch_off()
        return self.watchers

    def settle(self, *, late: bool = False) -> None:
        """Bring every watcher to what was asked for, or only those whose plugin has just arrived."""
        asked = {name: self._asked(name) for name, each in self.watchers.items() if not (late and each.on)}
        if late and not any(asked.values()):
            return
        self._carry_into_threads(any(options is not None for options in asked.values()))
        for name, options in asked.items():
            watcher = self.watchers[name]
            if options is not None:
                watcher.switch_on(options)
            elif watcher.on:
                watcher.switch_off()

    def _asked(self, name: str) -> Options | None:
        if name in self.by_name:
            return self.by_name[name]
        return None if name in self.excluded else self.everywhere

    def _carry_into_threads(self, wanted: bool) -> None:
        with self.lock:
            if wanted and self._threads is None:
                self._threads = nesting.carry_into_threads()
            elif not wanted and self._threads is not None:
                self._threads.revert()
                self._threads = None


_switch = _Switch()


def _settle_the_late() -> None:
    _switch.known()
    _switch.settle(late=True)


def autolog(
    *,
    disable: bool = False,
    exclude: str | Iterable[str] = (),
    log_models: bool = True,
    log_datasets: bool = True,
    log_input_examples: bool = False,
    log_model_signatures: bool = True,
    training_metrics: str | bool = "auto",
    every_n_steps: int = 1,
    silent: bool = False,
    exclusive: bool = False,
    extra_tags: dict[str, str] | None = None,
    exclude_flavors: str | Iterable[str] | None = None,
    **more: Any,
) -> None:
    """Record every training of every installed framework from now on. Imports no framework.

    May be called before or after the frameworks are imported, and again with other options: the last call
    counts. `steno.<framework>.autolog(...)` goes before it. `STENO_AUTOLOG_DISABLE=1` makes it do nothing.

    Args:
        disable: Stop watching everything, and leave the process as it was.
        exclude: Names of integrations to leave alone; `exclude_flavors` is MLflow's name for it.
        training_metrics: "auto" records what fits the overhead budget, "full" everything, False none.
        every_n_steps: Record each n-th step of a loop.
        silent: Do not log warnings of autologging.
        exclusive: Do nothing while a run of the user's is active.
        extra_tags: Tags for the runs that autologging opens.
        more: Options of single integrations, and MLflow's other names.

    Raises:
        InvalidValue: An option or a name nobody knows, or a value of the wrong type.
    """
    given = {
        "log_models": log_models,
        "log_datasets": log_datasets,
        "log_input_examples": log_input_examples,
        "log_model_signatures": log_model_signatures,
        "training_metrics": training_metrics,
        "every_n_steps": every_n_steps,
        "silent": silent,
        "exclusive": exclusive,
        "extra_tags": extra_tags,
    }
    _ask_patiently(disable, (exclude, exclude_flavors), given | more)


def _ask_patiently(*asked: Any) -> None:
    try:
        _ask_everywhere(*asked)
    except InvalidValue:
        if not plugins().wait():  # a name may be that of a plugin which is still importing
            raise
        _ask_everywhere(*asked)


def _ask_everywhere(disable: bool, excluded: tuple[str | Iterable[str] | None, ...], given: dict[str, Any]) -> None:
    known = _switch.known()
    own = {name for each in known.values() for name in each.offer.options}
    options = option_table.read(given, own)
    offers = plugins().integrations
    named = frozenset[str]().union(*(option_table.names(names, offers.names()) for names in excluded))
    left_alone = frozenset(offer.name for name in named for offer in offers.answering(name))
    if not disable and settings.load().autolog_disable:
        return
    _switch.everywhere, _switch.excluded = (None, frozenset()) if disable else (options, left_alone)
    if disable:
        _switch.by_name.clear()
    _switch.settle()


def autolog_one(name: str, *, disable: bool = False, **given: Any) -> None:
    """Record every training of one framework; goes before `autolog()`, whichever was called first.

    Args:
        name: The integration's name, or one that several answer to: "pytorch" switches Lightning too.
        disable: Leave this framework alone.
        given: The options of `autolog()`, and the integration's own.

    Raises:
        InvalidValue: No such integration, or an option it does not know.
    """
    _switch.known()
    offers = plugins().integrations.answering(name)
    if not offers:
        watcher(name)  # waits for it, or raises
        offers = plugins().integrations.answering(name)
    options = option_table.read(given, {each for offer in offers for each in offer.options})
    if not disable and settings.load().autolog_disable:
        return
    _switch.by_name.update({offer.name: None if disable else options for offer in offers})
    _switch.settle()


def watch(name: str, root: ModuleType | type, patches: Iterable[Patch]) -> None:
    """Add rows to an integration that is on, for classes that no module's import tells of (a user's own).

    Args:
        name: The integration's name.
        root: The module or class that the rows' targets are relative to.
        patches: The rows. They go when the integration is switched off.

    Raises:
        InvalidValue: No integration has that name.
    """
    found = watcher(name)
    if found.on:
        found.add(root, patches)


def watcher(name: str) -> Watcher:
    """Return the watcher of an integration. Raises: InvalidValue if none has that name."""
    known = _switch.known()
    if name not in known and plugins().wait():
        known = _switch.known()
    if name not in known:
        raise InvalidValue(f"no integration is called {name!r}; known: {', '.join(sorted(known)) or 'none'}")
    return known[name]


def states() -> dict[str, str]:
    """How each integration stands: off, active, waiting for its import, or why it cannot watch."""
    return {name: each.state for name, each in _switch.known().items()}
