"""Servers to speak to: MLflow's own, where it is installed, and steno's."""

from __future__ import annotations

import importlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import steno
import steno_http.server
from steno.tracking import carrier, ending, experiments, places
from steno.tracking.writer import writer
from steno_http import transport

PEER = os.environ.get("PEER") or sys.executable


@dataclass(frozen=True)
class Peer:
    """MLflow's server in a process of its own, over one SQLite file."""

    url: str
    database: Path
    empty: Path

    def begin_again(self) -> None:
        """Put the database back to what it was when the server had just started."""
        with closing(sqlite3.connect(self.empty)) as source, closing(sqlite3.connect(self.database)) as target:
            source.backup(target)


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as place:
        return int(place.getsockname()[1])


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture(scope="session")
def started_peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """MLflow's server; begun once, since that takes it twenty seconds."""
    if subprocess.run([PEER, "-c", "import mlflow"], capture_output=True, check=False).returncode:
        pytest.skip("MLflow is not installed here; the variable PEER may name an interpreter that has it")
    folder, url = tmp_path_factory.mktemp("peer"), f"http://127.0.0.1:{free_port()}"
    command = [
        PEER,
        "-m",
        "mlflow",
        "server",
        "--host",
        "127.0.0.1",
        "--port",
        url.rpartition(":")[2],
        "--workers",
        "1",
    ]
    command += ["--backend-store-uri", "sqlite:///peer.db", "--artifacts-destination", "./artifacts"]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "STENO_"))}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env={**kept, **quiet}, stdout=log, stderr=log, start_new_session=True
        )
    try:
        deadline = time.monotonic() + 100
        while not answers(url):
            assert process.poll() is None, (folder / "log").read_text()[-3000:]
            assert time.monotonic() < deadline
            time.sleep(0.2)
        with (
            closing(sqlite3.connect(folder / "peer.db")) as source,
            closing(sqlite3.connect(folder / "empty.db")) as target,
        ):
            source.backup(target)
        yield Peer(url, folder / "peer.db", folder / "empty.db")
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # with the workers, which it started
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture
def peer(started_peer: Peer) -> str:
    """The address of MLflow's server, empty again."""
    started_peer.begin_again()
    return started_peer.url


@pytest.fixture(autouse=True)
def strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test meet its server for the first time."""
    monkeypatch.setattr(steno_http.server, "_servers", {})


class Stage:
    """An ASGI application that hands every request to whichever one is on."""

    on: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.on(scope, receive, send)


@pytest.fixture(scope="session")
def stage() -> Iterator[tuple[Stage, str]]:
    """A server in a thread, begun once, and its address."""
    uvicorn, stage = pytest.importorskip("uvicorn"), Stage()
    with closing(socket.create_server(("127.0.0.1", 0))) as place:
        server = uvicorn.Server(uvicorn.Config(stage, log_level="warning", lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [place]}, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.005)
        yield stage, f"http://127.0.0.1:{place.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def steno_url(stage: tuple[Stage, str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of steno's server over a new store."""
    from steno_server.app import build
    from steno_server.options import Options

    folder = tmp_path_factory.mktemp("served")
    store = f"sqlite:///{folder}/steno.db"
    stage[0].on = build(Options(store, store, artifacts_folder=str(folder / "artifacts")))
    return stage[1]


@pytest.fixture(params=["steno", "mlflow"])
def upstream(request: pytest.FixtureRequest) -> str:
    """The address of one server after the other, over a new store."""
    return request.getfixturevalue({"steno": "steno_url", "mlflow": "peer"}[request.param])


@pytest.fixture
def middleman(upstream: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A proxy before that server."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    between = importlib.import_module("middleman").Middleman(upstream)
    yield between
    between.close()


@pytest.fixture
def quick(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let everything that waits for a server wait less."""
    monkeypatch.setattr(carrier, "FIRST_PAUSE_S", 0.02)
    monkeypatch.setattr(carrier, "LONGEST_PAUSE_S", 0.1)
    monkeypatch.setattr(writer, "_interval_s", 0.02)
    monkeypatch.setattr(transport, "PAUSE_S", 0.05)
    monkeypatch.setenv("STENO_FLUSH_INTERVAL_S", "0.02")
    # MLflow's server takes a good part of a second for a thousand points.
    monkeypatch.setenv("STENO_HTTP_TIMEOUT_S", "4" if "mlflow" in request.node.name else "0.5")


@pytest.fixture
def tracked(middleman: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """What runs of this process are recorded to: that proxy."""
    monkeypatch.setenv("STENO_JOURNAL_DIR", str(tmp_path / "journal"))
    steno.set_tracking_uri(middleman.url)
    yield middleman
    middleman.be("")
    for run in list(ending._open.values()):
        run.end()
    steno.flush()
    experiments.forget()
    steno.set_tracking_uri("")
    places.forget_stores()
