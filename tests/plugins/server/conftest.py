"""A real server on loopback, in a thread of the process that runs the tests, and a plain HTTP client."""

from __future__ import annotations

import http.client
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from steno.asgi.listening import listening
from steno_server.app import build
from steno_server.options import Options

API = "/api/2.0/mlflow/"


class Asking:
    """One connection to a server.

    Attributes:
        folder: Where the server keeps what it is given.
    """

    def __init__(self, port: int, folder: Path) -> None:
        self.port, self.folder = port, folder
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def raw(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Send anything; return status, headers and body."""
        self._connection.request(method, path, body, {"Content-Type": "application/json", **(headers or {})})
        answer = self._connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Ask what has to succeed."""
        status, _, answer = self.raw(method, _whole(path), json.dumps(body).encode() if body is not None else None)
        assert status == 200, (status, answer)
        return json.loads(answer)

    def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """Ask what has to fail; return status and error code."""
        status, _, answer = self.raw(method, _whole(path), json.dumps(body).encode() if body is not None else None)
        assert status >= 400, answer
        told = json.loads(answer)
        assert told["message"]
        return status, told["error_code"]

    def experiment(self, **more: Any) -> str:
        """Create an experiment and return its id."""
        Asking.made = getattr(Asking, "made", 0) + 1
        return self.call("POST", "experiments/create", {"name": f"made-{Asking.made}", **more})["experiment_id"]

    def run(self, **more: Any) -> str:
        """Create a run in an experiment of its own, if none is given, and return its id."""
        wanted = {"experiment_id": more.pop("experiment_id", None) or self.experiment(), **more}
        return self.call("POST", "runs/create", wanted)["run"]["info"]["run_id"]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let the store be another process's to write while the body runs."""
        with closing(sqlite3.connect(self.folder / "steno.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")

    def close(self) -> None:
        self._connection.close()


def _whole(path: str) -> str:
    return path if path.startswith("/") else API + path


@contextmanager
def serving(folder: Path, **options: Any) -> Iterator[Asking]:
    """Serve a store in a folder while the body runs."""
    uri = f"sqlite:///{folder}/steno.db"
    place = listening("127.0.0.1", 0)
    port = place.getsockname()[1]
    app = build(Options(uri, uri, port=port, **options))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False, lifespan="on"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [place]})
    thread.start()
    asking = Asking(port, folder)
    try:
        yield asking
    finally:
        asking.close()
        server.should_exit = True
        thread.join(20)
        place.close()
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    """A server that the tests of one file share."""
    with serving(tmp_path_factory.mktemp("served")) as asking:
        yield asking


@pytest.fixture
def serve(tmp_path: Path) -> Callable[..., Any]:
    """Serve a fresh store with options: `with serve(read_only=True) as asking`."""
    return lambda **options: serving(tmp_path / "served", **options)
