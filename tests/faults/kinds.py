"""What can be wrong on steno's side while a framework trains; needs no framework itself."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from steno import hookimpl
from steno.plugins import plugins


def _plugin(**hooks: Callable[..., Any]) -> Any:
    return type("Plugin", (), {name: hookimpl(staticmethod(hook)) for name, hook in hooks.items()})()


def broken(*args: Any) -> Any:
    """Fail, whatever is asked."""
    raise RuntimeError("a plugin broke")


def _store(way: str) -> Callable[..., None]:
    return lambda awkward, tmp_path, monkeypatch, cleanup: awkward.be(way)


def _no_journal(awkward: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, cleanup: ExitStack) -> None:
    (tmp_path / "a file").touch()
    monkeypatch.setenv("STENO_JOURNAL_DIR", str(tmp_path / "a file" / "journal"))


def _no_memory(awkward: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, cleanup: ExitStack) -> None:
    _no_journal(awkward, tmp_path, monkeypatch, cleanup)
    monkeypatch.setenv("STENO_MEMORY_LIMIT_MB", "0")


def _with_plugin(**hooks: Callable[..., Any]) -> Callable[..., None]:
    def fault(awkward: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, cleanup: ExitStack) -> None:
        plugins().register(_plugin(**hooks), "broken")
        cleanup.callback(plugins().unregister, "broken")

    return fault


def _jumping_clock(awkward: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, cleanup: ExitStack) -> None:
    jumps = itertools.cycle([0, -(10**18), 3 * 10**17, -5])
    real = time.time_ns
    monkeypatch.setattr("steno.tracking.run._now_ns", lambda: max(0, real() + next(jumps)))


def _bad_settings(awkward: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, cleanup: ExitStack) -> None:
    monkeypatch.setenv("STENO_FLUSH_INTERVAL_S", "soon")


FAULTS: dict[str, Callable[..., None]] = {
    "nothing": _store(""),
    "the store raises": _store("raise"),
    "the store is away": _store("unavailable"),
    "the store refuses": _store("refuse"),
    "the store is read-only": _store("read-only"),
    "the store hangs": _store("hang"),
    "the store's answer is lost": _store("forget"),
    "no journal can be written": _no_journal,
    "no journal and no memory": _no_memory,
    "a gate stays shut": _with_plugin(steno_before_write=lambda run_id: broken()),
    "an observer raises": _with_plugin(steno_run_started=lambda run: broken(), steno_run_ended=lambda run: broken()),
    "a tag offer raises": _with_plugin(steno_run_tags=lambda: broken()),
    "the clock jumps": _jumping_clock,
    "a setting is nonsense": _bad_settings,
}
