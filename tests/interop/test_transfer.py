"""Moving out of MLflow and back: its store into steno, and from there into another store of a real MLflow server."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from steno.cli.root import steno as root
from steno.cli.session import Session
from steno.tracking import places

SCRIPTS = Path(__file__).parent / "transfer"
QUIET = {
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_ALLOW_FILE_STORE": "true",
    "PYTHONWARNINGS": "ignore",
}


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    places.forget_stores()


def ask(peer: str, script: str, *arguments: str) -> str:
    """Run a script by MLflow's interpreter, and return what it printed."""
    command = [peer, str(SCRIPTS / script), *arguments]
    done = subprocess.run(
        command, env={**os.environ, **QUIET}, capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def look(peer: str, uri: str) -> dict[str, Any]:
    """All that a store holds, as MLflow's client shows it; where its files lie is its own affair."""
    found = json.loads(ask(peer, "look.py", uri))
    for version in (each for model in found["registered"].values() for each in model["versions"].values()):
        if not version["source"].startswith(("runs:", "models:")):
            version["source"] = "a place"
    return found


@contextmanager
def serving(peer: str, folder: Path) -> Iterator[str]:
    """A real MLflow server over a fresh store."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    command = [peer, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", f"{folder}/files"]
    folder.mkdir()
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            command, cwd=folder, env={**os.environ, **QUIET}, stdout=log, stderr=log, start_new_session=True
        ) as process,
    ):
        try:
            url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 90
            while True:
                try:
                    urllib.request.urlopen(f"{url}/health", timeout=5).close()
                    break
                except OSError:
                    assert process.poll() is None, (folder / "log").read_text()[-3000:]
                    assert time.monotonic() < deadline
                    time.sleep(0.2)
            yield url
        finally:
            os.killpg(process.pid, 15)


def transfer(*words: str, store: str) -> dict[str, Any]:
    """Run a command of ours, which leaves nothing behind."""
    done = CliRunner().invoke(root, [*words, "--json", "-u", store], obj=Session())
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_store_of_mlflows_is_the_same_after_steno_in_another(peer: str, tmp_path: Path) -> None:
    source = f"sqlite:///{tmp_path}/a.db"
    ask(peer, "make.py", source, f"file://{tmp_path}/files")
    expected = look(peer, source)
    ours = f"sqlite:///{tmp_path}/steno.db"
    transfer("import", "mlflow", "--from", source, store=ours)
    with serving(peer, tmp_path / "server") as url:
        transfer("export", "mlflow", "--to", url, store=ours)
        assert look(peer, url) == expected
        again = transfer("export", "mlflow", "--to", url, store=ours)
        assert sum(again["carried"].values()) == 0
        back = transfer("import", "mlflow", "--from", url, store=f"sqlite:///{tmp_path}/back.db")
    for what in ("runs", "points", "params", "artifact_bytes", "logged_models", "model_versions", "aliases"):
        assert back["carried"][what] > 0
