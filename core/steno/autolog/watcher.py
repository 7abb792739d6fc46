"""One integration from the moment it is switched on: it waits for its framework, loads, and watches."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterable
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

from steno import settings
from steno.autolog import patching
from steno.autolog.containment import contain
from steno.contracts.integration import Integration, Options, Patch
from steno.errors import PluginError
from steno.plugins.blame import described, is_its_own
from steno.plugins.needs import needs, unmet
from steno.settings import Settings

if TYPE_CHECKING:
    from steno.plugins.registers import Offer

logger = logging.getLogger("steno.autolog")
_OFF = Options()


class Absent(NamedTuple):
    """A row that is not in place; `error` is None where its target may be missing."""

    module: str
    patch: Patch
    error: Exception | None

    @property
    def is_missing(self) -> bool:
        """Whether the framework has no such thing."""
        return self.error is None or isinstance(self.error, AttributeError)

    def __str__(self) -> str:
        why = "missing" if self.error is None or self.is_missing else described(self.error)
        what = self.patch.captures or "what it would tell"
        return f"{what} ({self.module}.{self.patch.target}: {why})"


class Watcher:
    """One integration: off, waiting for its framework, or watching.

    Attributes:
        name: Its name.
        options, settings: What `autolog()` was told last, and what was set from outside then.
        on: Whether it should watch.
        problem: Why it cannot, for `steno plugins`.
        integration: Loaded once its framework is there.
        applied: The rows in place.
        absent: The rows whose target is missing, or could not be watched.
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
        self.absent: list[Absent] = []
        self._said: set[str] = set()
        self._arriving = 0
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

    @property
    def not_captured(self) -> str:
        """What a run of its lacks, for a tag; empty if nothing is amiss."""
        lacking = [str(each) for each in self.absent if each.error is not None]
        return f"{self._framework()}: {'; '.join(dict.fromkeys(lacking))}"[:500] if lacking else ""

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
            applied, self.applied, self.absent = self.applied, [], []
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
                self._note_absent(root, patch, error)
                continue
            if applied is None:
                self._note_absent(root, patch, None)
                continue
            with self._lock:
                self.applied.append(applied)
        if not self._arriving:
            self._say_absent()

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
        self._arriving += 1  # modules that the framework has imported arrive one inside the other
        try:
            if module.__name__ in self._wakes and not self._load(module):
                return
            if self.integration is not None and module.__name__ in self.integration.modules:
                self._patch(module)
        except BaseException as error:  # plugin loading
            if not is_its_own(error):
                raise
            self.problem = f"failed: {described(error)}"
            contain(self.name, module.__name__, error)
        finally:
            self._arriving -= 1
            if not self._arriving:
                self._say_absent()

    def _load(self, module: ModuleType) -> bool:
        """Load the integration once its framework is there and fits; then wait for its modules."""
        if self.integration is None:
            self.problem = unmet(self.offer.requires, module)
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

    def _note_absent(self, root: ModuleType | type, patch: Patch, error: Exception | None) -> None:
        if not isinstance(patch, Patch):
            error = PluginError(f"{type(patch).__name__} is no Patch")
            patch = Patch(str(patch)[:60])
        absent = Absent(root.__name__, patch, error)
        with self._lock:
            self.absent.append(absent)
        if error is not None:
            contain(self.name, patch.target, error, said=True)

    def _say_absent(self) -> None:
        """Say once what is not captured since its hook point is missing or cannot be watched."""
        with self._lock:
            new = [each for each in self.absent if each.error is not None and each.patch.target not in self._said]
            self._said.update(each.patch.target for each in new)
        if new:
            logger.log(
                logging.DEBUG if self.options.silent else logging.WARNING,
                "%s: not captured: %s; training and all else that is recorded go on (said once; `steno doctor %s` "
                "shows every row)",
                self._framework(),
                "; ".join(dict.fromkeys(map(str, new))),
                self.name,
            )

    def _framework(self) -> str:
        found = [need for need in needs(self.offer.requires) if need.found]
        return f"{self.name} with {found[0].distribution} {found[0].found}" if found else self.name
