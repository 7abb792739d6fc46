"""Finds a Python of a version on this machine."""

from __future__ import annotations

import logging
import os
import platform
import subprocess
import sys
from pathlib import Path

from msgspec import Struct

from steno.errors import EnvironmentFailure

logger = logging.getLogger("steno.environments")
_ASK = "import platform; print(platform.python_version())"
_ANSWER_S = 20.0


class Interpreter(Struct, frozen=True):
    """An executable, and the version that it says it is."""

    path: str
    version: str


def find_interpreter(version: str) -> Interpreter:
    """Return a Python of the same minor version: this one, else the first `python3.X` of PATH that runs.

    Any patch of a minor version loads what another one wrote; where it differs, a warning is logged.

    Args:
        version: As "3.11.7" or "3.11"; "" for this one.

    Raises:
        EnvironmentFailure: There is none.
    """
    here, wanted = platform.python_version(), minor(version)
    found = Interpreter(sys.executable, here) if wanted in ("", minor(here)) else _on_path(wanted)
    if found is None:
        raise EnvironmentFailure(
            f"Python {version} is asked for, and no python{wanted} on PATH runs: install one, or choose the "
            f"environment manager `uv`, which fetches it, or `local`, which takes Python {here} as it is"
        )
    if version.count(".") > 1 and version != found.version:
        logger.warning("Python %s stands in for %s, which is asked for", found.version, version)
    return found


def minor(version: str) -> str:
    """Return the first two numbers of a version."""
    return ".".join(version.split(".")[:2])


def _on_path(wanted: str) -> Interpreter | None:
    for folder in os.get_exec_path():
        path = Path(folder) / f"python{wanted}"
        # Each is asked: what lies there may be a version manager's stand-in for a Python that is not chosen.
        version = _version_of(path) if os.access(path, os.X_OK) else ""
        if minor(version) == wanted:
            return Interpreter(str(path), version)
    return None


def _version_of(path: Path) -> str:
    try:
        done = subprocess.run(
            [str(path), "-I", "-c", _ASK], capture_output=True, text=True, timeout=_ANSWER_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
