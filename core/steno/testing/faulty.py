"""Stores that fail while a training runs, and heal when it is over."""

from __future__ import annotations

import functools
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import steno
from steno.contracts.stores import RunStore
from steno.errors import StoreUnavailable
from steno.hookspecs import hookimpl
from steno.plugins import plugins

FAULTS = ("raises", "is unavailable", "hangs", "has no journal")
_MODULE = "steno_faulty_store"


class FaultyStore:
    """Stands before a store: every method fails in its way until it is healed.

    Attributes:
        asked: Methods that the thread of the test called meanwhile, where every training's calls should be none.
    """

    def __init__(self, fault: str, store: RunStore) -> None:
        self.asked: list[str] = []
        self._fault = fault
        self._store = store
        self._healed = threading.Event()
        self._thread = threading.get_ident()

    def heal(self) -> None:
        """Let everything through from now on."""
        self._healed.set()

    def __getattr__(self, name: str) -> Any:
        return functools.partial(self._call, getattr(self._store, name))

    def _call(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        waits = 60.0
        if threading.get_ident() == self._thread and not self._healed.is_set():
            self.asked.append(method.__name__)
            waits = 1.0  # it is known now: no need for the test to wait for long
        if self._fault == "hangs":
            self._healed.wait(waits)
        if self._healed.is_set():
            return method(*args, **kwargs)
        if self._fault == "is unavailable":
            raise StoreUnavailable("away")
        raise ZeroDivisionError("a store of a strange make")


@contextmanager
def faulty_store(fault: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyStore]:
    """Let runs go to a store that fails (one of `FAULTS`); at the end it heals, and what waits is delivered."""
    real = steno.get_tracking_uri()
    store = FaultyStore(fault, plugins().stores.run_stores.open(real))
    module = ModuleType(_MODULE)
    module.open = lambda uri: store  # type: ignore[attr-defined]

    class Plugin:
        @hookimpl
        def steno_register_stores(self, register: Any) -> None:
            register.runs("faulty", f"{_MODULE}:open")

    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, _MODULE, module)
        patch.setenv("STENO_TRACKING_URI", f"faulty://{uuid.uuid4().hex}")
        if fault == "has no journal":
            # A file where the folder should be: what a full or read-only disk is to a journal.
            Path("no_journal").write_text("")
            patch.setenv("STENO_JOURNAL_DIR", str(Path("no_journal").absolute()))
        assert plugins().register(Plugin(), "faulty store")
        try:
            yield store
        finally:
            store.heal()
            delivered = steno.flush()
            plugins().unregister("faulty store")
        assert delivered, "what waited for the store was not delivered"
