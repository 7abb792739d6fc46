"""A store that fails on demand, and scripts run in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import steno
from steno.plugins import plugins
from steno.tracking import places

HERE = Path(__file__).parent


@dataclass
class Awkward:
    """A store that fails on demand.

    Attributes:
        uri: Its address; what it holds is read at `plain`.
        journal: Where the journals of its runs lie.
    """

    folder: Path

    def __post_init__(self) -> None:
        self.uri = f"awkward:///{self.folder}/steno.db"
        self.plain = f"sqlite:///{self.folder}/steno.db"
        self.journal = self.folder / "journal"

    def be(self, way: str) -> None:
        """Fail from now on in this way, "" to work."""
        made = self.folder / "way.new"
        made.write_text(way)
        made.rename(self.folder / "way")


@pytest.fixture
def awkward(tracking: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Awkward]:
    """The store of this test's runs, working at first."""
    (tmp_path / "awkward").mkdir()
    store = Awkward(tmp_path / "awkward")
    monkeypatch.syspath_prepend(HERE)
    import awkward as plugin

    monkeypatch.setenv("STENO_JOURNAL_DIR", str(store.journal))
    assert plugins().register(plugin, "awkward")
    steno.set_tracking_uri(store.uri)
    yield store
    store.be("")
    steno.flush()
    places.forget_stores()
    plugins().unregister("awkward")


@pytest.fixture
def fault(request: Any, awkward: Awkward, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """While steno watches, something is wrong on its side: what of its module's `FAULTS` the test names."""
    with ExitStack() as cleanup:
        steno.autolog()
        request.module.FAULTS[request.param](awkward, tmp_path, monkeypatch, cleanup)
        yield
        monkeypatch.undo()
        steno.autolog(disable=True)
        awkward.be("")


@dataclass(frozen=True)
class Script:
    """Runs Python in a process of its own, in this test's folder."""

    folder: Path

    def start(self, text: str, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        """Start it, or the file of that name; its output is read with `communicate`."""
        return subprocess.Popen(
            [sys.executable, *([text] if text.endswith(".py") else ["-c", text]), *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(HERE), **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ended(self, text: str, *arguments: str, **environ: str) -> tuple[int, str, list[str]]:
        """Run it to its end; return its status, what it printed, and the lines of what it complained of."""
        child = self.start(text, *arguments, **environ)
        out, err = child.communicate(timeout=100)
        return child.returncode, out, err.splitlines()

    def run(self, text: str, *arguments: str, expect: int = 0, **environ: str) -> str:
        """Run it to its end, which must be with this status, and return what it wrote."""
        child = self.start(text, *arguments, **environ)
        try:
            out, err = child.communicate(timeout=60)
        finally:
            child.kill()
        assert child.returncode == expect, f"status {child.returncode}\n{out}\n{err}"
        return out


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Python in a process of its own."""
    return Script(tmp_path)
