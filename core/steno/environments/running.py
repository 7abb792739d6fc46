"""Runs one step of making an environment, and ends it, with all that it started, if it is not wanted any longer."""

from __future__ import annotations

import os
import signal
import subprocess
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from steno import settings
from steno.errors import EnvironmentFailure

_SHOWN_LINES = 40
_SHOWN_CHARACTERS = 900
# They are for the process that has them: a Python of another version, or environment, would take this one's modules.
NOT_HANDED_ON = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")


def run(command: Sequence[str], what: str, folder: Path, lock: int) -> None:
    """Run a command to its end.

    Args:
        command: Its words.
        what: The installer's name, for the error.
        folder: Where it runs.
        lock: A file that is locked: the command keeps it so, should this process be killed before it ends.

    Raises:
        EnvironmentFailure: It failed; with its last words.
    """
    lines: deque[str] = deque(maxlen=_SHOWN_LINES)
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=folder,
        env=settings.for_child({}, NOT_HANDED_ON),
        text=True,
        errors="replace",
        start_new_session=True,
        pass_fds=(lock,),
    )
    try:
        assert child.stdout is not None
        lines.extend(line.rstrip() for line in child.stdout)
        status = child.wait()
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        if child.stdout is not None:
            child.stdout.close()
    if status != 0:
        raise EnvironmentFailure(f"{what} failed: {last_words(lines)}")


def last_words(lines: Sequence[str]) -> str:
    """Return what tells why a command failed, in one line: what it calls an error, else its last lines."""
    told = [line.strip() for line in lines if line.strip() and not line.lower().startswith(("warning", "[notice]"))]
    errors = [line for line in told if line.lower().startswith(("error", "fatal"))]
    begun = told[told.index(errors[0]) :] if errors else told[-5:]
    shown = [line.removeprefix("ERROR: ").removeprefix("error: ") for line in (begun if len(begun) <= 8 else errors)]
    return " ".join(shown)[-_SHOWN_CHARACTERS:] or "it said nothing"
