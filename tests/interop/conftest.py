"""Finds the real MLflow, in the interpreter that the variable PEER names, else here; and starts our server for it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

PEER = os.environ.get("PEER") or sys.executable
STENO = [sys.executable, "-c", "from steno.cli import main; main()"]


@pytest.fixture(scope="session")
def peer() -> str:
    """An interpreter that has MLflow."""
    if subprocess.run([PEER, "-c", "import mlflow"], capture_output=True, check=False).returncode:
        pytest.skip("MLflow is not installed here; the variable PEER may name an interpreter that has it")
    return PEER


@contextmanager
def _serving(folder: Path, *options: str, **environ: str) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    command = [*STENO, "server", "--port", str(port), "--backend-store-uri", f"sqlite:///{folder}/s.db", *options]
    with subprocess.Popen(command, cwd=folder, env={**os.environ, **environ}) as process:
        try:
            url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 30
            while True:
                try:
                    urllib.request.urlopen(f"{url}/ready", timeout=5).close()
                    break
                except OSError:
                    assert process.poll() is None
                    assert time.monotonic() < deadline
                    time.sleep(0.1)
            yield url
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def serving() -> Callable[..., AbstractContextManager[str]]:
    """Our server over a fresh store in a folder, as `steno server` starts it: `with serving(folder, *options)`."""
    return _serving
