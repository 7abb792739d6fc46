"""A folder of distributions, as an installer leaves them, to be found by a manager of the test's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from steno.plugins import Plugins
from steno.plugins.manager import PluginState

HEAD = "from __future__ import annotations\nimport steno\nfrom steno.hookspecs import hookimpl\n"


class Done(NamedTuple):
    """What a script printed, and how long it took."""

    stdout: str
    stderr: str
    seconds: float


class Site:
    """Where distributions are installed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: list[str] = []

    def add(
        self, name: str, source: str, *, value: str = "", entry_points: str | None = None, metadata: str = ""
    ) -> None:
        """Install a distribution of one module, `plug_<name>`, that is the plugin `name`."""
        module = f"plug_{name}"
        self.names.append(module)
        self._write(module, HEAD + textwrap.dedent(source))
        info = self.folder / f"steno_{name}-2.5.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(metadata or f"Metadata-Version: 2.1\nName: steno-{name}\nVersion: 2.5\n")
        (info / "entry_points.txt").write_text(entry_points or f"[steno]\n{name} = {value or module}\n")

    def module(self, name: str, source: str, version: str = "") -> None:
        """Put a further module there; with a version it is a distribution too, a framework."""
        self.names.append(name)
        self._write(name, textwrap.dedent(source))
        if version:
            info = self.folder / f"{name}-{version}.dist-info"
            info.mkdir()
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")

    def _write(self, module: str, source: str) -> None:
        path = self.folder / f"{module}.py"
        path.write_text(source)
        # What was compiled of a module of the same length, in the same second, would be taken for this one's.
        Path(cache_from_source(str(path))).unlink(missing_ok=True)

    def load(self) -> Plugins:
        """A manager that has found them."""
        return Plugins().load()

    def state(self, name: str, found: Plugins | None = None) -> PluginState:
        """How a plugin stands."""
        return next(state for state in (found or self.load()).states() if state.name == name)

    def run(self, script: str, **environ: str) -> Done:
        """Run a script where they are installed; it must end well."""
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script)],
            env={**os.environ, "PYTHONPATH": str(self.folder), **environ},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return Done(done.stdout, done.stderr, time.perf_counter() - began)

    def steno(self, *words: str, status: int = 0) -> Done:
        """Call the command line where they are installed."""
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", "from steno.cli import main; main()", *words],
            env={**os.environ, "PYTHONPATH": str(self.folder), "COLUMNS": "200"},
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return Done(done.stdout, done.stderr, time.perf_counter() - began)

    def told(self, *words: str, status: int = 0) -> list[Any]:
        """The same as JSON."""
        found: list[Any] = json.loads(self.steno(*words, "--json", status=status).stdout)
        return found


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    site = Site(folder)
    yield site
    for name in site.names:
        sys.modules.pop(name, None)
