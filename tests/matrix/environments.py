"""The environments of the version matrix: one a row, made with pip from wheels, and kept for the next time."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Sequence
from pathlib import Path

from rows import ROOT, Row

OUTSIDE = ("STENO_", "MLFLOW_", "PYTHONPATH", "PYTEST_")
VERSIONS = """
import importlib.metadata, json
print(json.dumps({d.name.lower().replace("_", "-"): d.version for d in importlib.metadata.distributions()}))
"""


class Stopped(Exception):
    """A command failed or took too long; the text says which, and where its output is."""


def watched(command: Sequence[str | Path], log: Path, limit_s: float, show: Callable[[float, str], None]) -> int:
    """Run a command to its end, with its output in a file, and show its last line now and then.

    Raises:
        Stopped: It was not done in time; what it started is ended.
    """
    environ = {name: value for name, value in os.environ.items() if not name.startswith(OUTSIDE)}
    started = time.monotonic()
    with log.open("wb") as output:
        child = subprocess.Popen(
            [str(word) for word in command],
            cwd=ROOT,
            env={"OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "MPLBACKEND": "Agg", **environ},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            while child.poll() is None:
                time.sleep(0.5)
                seconds = time.monotonic() - started
                show(seconds, last_line(log))
                if seconds > limit_s:
                    raise Stopped(f"not done after {limit_s:.0f} s: see {log}")
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    return child.returncode


def last_line(log: Path) -> str:
    """The last thing that a command said."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 2000))
        lines = [line.strip() for line in re.split(r"[\r\n]+", file.read().decode("utf-8", "replace"))]
    return next((line for line in reversed(lines) if line), "")


class Environment:
    """The environment of a row below a folder, with what belongs to it: the log, the results.

    Attributes:
        folder: Where it is, and beside it what pip and pytest said last.
        python: Its interpreter.
    """

    def __init__(self, row: Row, cache: Path) -> None:
        self.row = row
        self.folder = cache / row.name
        self.python = self.folder / "venv" / "bin" / "python"
        self._stamp = self.folder / "made.json"

    def make(self, limit_s: float, show: Callable[[float, str], None]) -> None:
        """Make it, if it is not there or was made of something else.

        Raises:
            Stopped: pip could not, or not in time.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._stamp.exists() and self._stamp.read_text("utf-8") == self._wanted():
            return
        self._stamp.unlink(missing_ok=True)
        shutil.rmtree(self.folder / "venv", ignore_errors=True)
        venv.EnvBuilder(with_pip=True, symlinks=True).create(self.folder / "venv")
        constraints = self.folder / "constraints.txt"
        constraints.write_text("".join(f"{name}=={version}\n" for name, version in self.row.pins.items()), "utf-8")
        # Only wheels: what has none for this interpreter is a finding, not something to compile for an hour.
        pip = (self.python, "-m", "pip", "--disable-pip-version-check", "install", "--only-binary", ":all:")
        words = (*pip, "--constraint", constraints, *self._asked())
        log = self.folder / "pip.txt"
        if watched(words, log, limit_s, show):
            raise Stopped(f"pip could not install it: see {log}")
        self._stamp.write_text(self._wanted(), "utf-8")

    def versions(self) -> dict[str, str]:
        """Every distribution in it."""
        done = subprocess.run([self.python, "-c", VERSIONS], capture_output=True, text=True, check=True, timeout=60)
        return dict(json.loads(done.stdout))

    def _asked(self) -> list[str]:
        """What pip is told to install: steno and its extra, and other folders, from the tree."""
        extra = f"[{self.row.extra}]" if self.row.extra else ""
        more = [word for each in self.row.editable for word in ("--editable", str(ROOT / each))]
        return ["--editable", f"{ROOT}{extra}", *more, *self.row.installs]

    def _wanted(self) -> str:
        """All that it is made of, to tell when it must be made anew."""
        projects = [ROOT / each / "pyproject.toml" for each in ("", *self.row.editable)]
        digests = [hashlib.sha256(project.read_bytes()).hexdigest() for project in projects]
        return json.dumps([sys.version, self._asked(), self.row.pins, digests])
