"""What makes an environment and installs into it: the standard library's venv with pip, or uv."""

from __future__ import annotations

import shutil
import sys
import sysconfig
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Protocol

from packaging.version import InvalidVersion, Version

from steno.environments.interpreters import find_interpreter, minor
from steno.environments.running import run
from steno.errors import InvalidValue, MissingDependency

MANAGERS = ("virtualenv", "uv")
_PIP_FOR_OTHERS = (22, 3)  # the first with `--python`


class Installer(Protocol):
    """One way to make environments; `python` is the version that is, or will be, in it, as far as that is known."""

    python: str

    def make(self, folder: Path, *, bare: bool, lock: int) -> None:
        """Make an environment without packages, and without an installer of its own if `bare`."""

    def install(self, folder: Path, arguments: Sequence[str], beside: Path, lock: int) -> None:
        """Install what the arguments name, files beside another one too. Raises: EnvironmentFailure, with its words."""


def installer(manager: str, python: str) -> Installer:
    """Return an installer for a version of Python.

    Raises:
        InvalidValue: No such manager.
        MissingDependency: It is not installed.
        EnvironmentFailure: There is no such Python.
    """
    if manager == "virtualenv":
        return Pip(python)
    if manager == "uv":
        return Uv(python)
    raise InvalidValue(f"the environment manager is one of local, {', '.join(MANAGERS)}, not {manager!r}")


def python_of(folder: Path) -> Path:
    """Return the interpreter of an environment."""
    return folder / "bin" / "python"


class Pip:
    """The standard library's `venv`, and a pip that is there already: nothing has to be installed for that.

    The pip of this interpreter installs into others. To give each one its own, as `venv` does where this one has none,
    takes seconds, and needs what some distributions of Linux leave out.
    """

    def __init__(self, python: str) -> None:
        self._interpreter = find_interpreter(python)
        self.python = self._interpreter.version
        self._lends = _pip_version() >= _PIP_FOR_OTHERS

    def make(self, folder: Path, *, bare: bool, lock: int) -> None:
        options = ["--without-pip"] if bare or self._lends else []
        run([self._interpreter.path, "-I", "-m", "venv", *options, str(folder)], "venv", folder.parent, lock)

    def install(self, folder: Path, arguments: Sequence[str], beside: Path, lock: int) -> None:
        python = str(python_of(folder))
        pip = [sys.executable, "-I", "-m", "pip", "--python", python] if self._lends else [python, "-I", "-m", "pip"]
        options = ["--disable-pip-version-check", "--no-input", "install", "--progress-bar", "off"]
        run([*pip, *options, *arguments], "pip", beside, lock)


def _pip_version() -> tuple[int, ...]:
    """The version of the pip of this interpreter, () if it has none."""
    try:
        return Version(metadata.version("pip")).release
    except (metadata.PackageNotFoundError, InvalidVersion):
        return ()


class Uv:
    """The program `uv`, which finds Pythons by itself and fetches those that are not there."""

    def __init__(self, python: str) -> None:
        self._uv = _uv()
        here = ".".join(map(str, sys.version_info[:2]))
        same = minor(python) in ("", here)
        self.python = ".".join(map(str, sys.version_info[:3])) if same else minor(python)
        self._wanted = sys.executable if same else self.python

    def make(self, folder: Path, *, bare: bool, lock: int) -> None:
        command = [self._uv, "venv", "--no-project", "--python", self._wanted, str(folder)]
        run(command, "uv", folder.parent, lock)

    def install(self, folder: Path, arguments: Sequence[str], beside: Path, lock: int) -> None:
        command = [
            self._uv,
            "pip",
            "install",
            "--no-progress",
            "--compile-bytecode",
            "--python",
            str(python_of(folder)),
        ]
        run([*command, *arguments], "uv", beside, lock)


def _uv() -> str:
    # Beside this interpreter first: that is where `pip install uv` puts it, on PATH or not.
    found = shutil.which("uv", path=sysconfig.get_path("scripts")) or shutil.which("uv")
    if found is None:
        raise MissingDependency("the environment manager `uv`", "uv")
    return found
