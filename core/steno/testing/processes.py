"""Python in a process of its own, which leaves nothing running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

TIMEOUT_S = 100.0


def python(script: str, *arguments: str | Path, timeout_s: float = TIMEOUT_S) -> subprocess.CompletedProcess[str]:
    """Run Python text in a process that has this one's path and settings and nothing else of it.

    Raises:
        AssertionError: It did not end well, or not in time; with what it wrote.
    """
    text = f"import sys\nsys.path[:] = {sys.path!r}\n{script}"
    command = [sys.executable, "-c", text, *map(str, arguments)]
    # Files rather than pipes: what it started may hold a pipe open for longer than it lives.
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        child = subprocess.Popen(command, stdout=out, stderr=err, stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            status: int | str = child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            status = f"no status after {timeout_s:.0f} s"
        finally:
            _end_all(child)
        texts = [_whole(file) for file in (out, err)]
    assert status == 0, f"ended with {status}\n{texts[0]}\n{texts[1]}"
    return subprocess.CompletedProcess(command, 0, *texts)


def _end_all(child: subprocess.Popen[bytes]) -> None:
    """End a process and those that it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _whole(file: object) -> str:
    file.seek(0)  # type: ignore[attr-defined]
    return str(file.read())  # type: ignore[attr-defined]
