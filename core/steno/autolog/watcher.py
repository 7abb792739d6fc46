"""One integration from the moment it is switched on: it waits for its framework, loads, and watches."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterable
from types import ModuleType
from typing import TYPE_CHECKING

from steno import settings
from steno.autolog import patching
from steno.autolog.containment import contain
from steno.contracts.integration import Integration, Options, Patch
from steno.settings import Settings

if TYPE_CHECKING:
    from steno.plugins.registers import Offer

logger = logging.getLogger("steno.autolog")
_OFF = Options()


class Watcher:
    """One integration: off, waiting for its framework, or watching.

    Attributes:
        name: Its name.
        options, settings: What `autolog()` was told last, and what was set from outside then.
        on: Whether it should watch.
        problem: Why it cannot, for `steno plugins`.
        integration: Loaded once its framework is there.
        applied: The rows in place.
    """

    def __init__(self, offer: Offer, number: int) -> None:
        self.name = offer.name
        self.offer = offer
        self.number = number
        self.options = _OFF
        self.settings = Settings()
        self.on = False
        self.problem = ""
        self.integration: Integration | None = None
        self.applied: list[patching.Applied | patching.Hooked] = []
        self._seen: set[str] = set()
        self._awaited: set[str] = set()
        self._lock = threading.RLock()
        self._wakes = [name.strip() for name in offer.when.split("|")]

    @property
    def state(self) -> str:
        """How it stands: off, active, waiting for its import, or why it cannot watch."""
        if self.problem or not self.on:
            return self.problem or "off"
        return "active" if self.applied else f"waiting for `import {self.offer.when.partition(' | ')[0]}`"

    def switch_on(self, options: Options) -> None:
        """Watch from now on, or as soon as the framework is imported."""
        self.options = options
        self.settings = settings.load()
        self.on = True
        for name in self._wakes:
            self._await(name)

    def switch_off(self) -> None:
        """Take every row away."""
        self.on = False
        with self._lock:
            applied, self.applied = self.applied, []
            self._seen.clear()
        for row in reversed(applied):
            try:
                row.revert()
            except Exception as error:  # plugin loading: a framework's own handle may fail
                contain(self.name, "switching off", error)
        switched_off = getattr(self.integration, "switched_off", None)
        if switched_off is not None:
            try:
                switched_off()
            except Exception as error:  # advice
                contain(self.name, "switching off", error)

    def add(self, root: ModuleType | type, patches: Iterable[Patch]) -> None:
        """Apply rows below a module or class; what fails is contained, row by row."""
        for patch in patches:
            try:
                with self._lock:
                    order = (self.number, len(self.applied))
                applied = patching.apply(self, patch, root, order)
            except Exception as error:  # plugin loading: a bad row spoils no other
                contain(self.name, patch.target, error)
                continue
            if applied is not None:
                with self._lock:
                    self.applied.append(applied)

    def _await(self, name: str) -> None:
        if name in self._awaited:  # wrapt's hooks cannot be taken back: one per module and process
            module = sys.modules.get(name)
            if module is not None:
                self._arrived(module)
            return
        from wrapt.importer import register_post_import_hook  # type: ignore[import-untyped]

        self._awaited.add(name)
        register_post_import_hook(self._arrived, name)

    def _arrived(self, module: ModuleType) -> None:
        """A module that was waited for is there. Runs inside the user's import, so nothing may get out."""
        if not self.on:
            return
        try:
            if module.__name__ in self._wakes and not self._load():
                return
            if self.integration is not None and module.__name__ in self.integration.modules:
                self._patch(module)
        except Exception as error:  # plugin loading
            self.problem = f"failed: {type(error).__name__}: {error}"
            contain(self.name, module.__name__, error)

    def _load(self) -> bool:
        """Load the integration once its framework is there and fits; then wait for its modules."""
        if self.integration is None:
            self.problem = _unmet(self.offer.requires)
            if self.problem:
                logger.warning("%s is not watched: %s", self.name, self.problem)
                return False
            self.integration = self.offer.load()
        for name in self.integration.modules:
            if name not in self._wakes:
                self._await(name)
        return True

    def _patch(self, module: ModuleType) -> None:
        assert self.integration is not None
        with self._lock:
            if module.__name__ in self._seen:
                return
            self._seen.add(module.__name__)
        self.add(module, self.integration.patches(module))


def _unmet(requires: str) -> str:
    """Say which part of "scikit-learn>=1.4" is not installed; empty if all is well, or one of "a>=1 | b>=1" is."""
    unmet = [_unmet_one(each.strip()) for each in requires.split("|")]
    return "" if "" in unmet else "; ".join(unmet)


def _unmet_one(requires: str) -> str:
    if not requires:
        return ""
    from importlib.metadata import PackageNotFoundError, version

    from packaging.requirements import Requirement

    requirement = Requirement(requires)
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        return f"needs {requires}, which is not installed"
    return "" if requirement.specifier.contains(found, prereleases=True) else f"needs {requires}, found {found}"
