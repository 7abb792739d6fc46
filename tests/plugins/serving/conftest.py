"""A served model on loopback, in a thread of the process that runs the tests, and a plain HTTP client."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import steno
import uvicorn
from sklearn.linear_model import LinearRegression
from steno.asgi.listening import listening
from steno_serving.app import build
from steno_serving.options import Options

COLUMNS = list("abcd")
X = pd.DataFrame(np.arange(24.0).reshape(6, 4), columns=COLUMNS)


class Asking:
    """One connection to a served model."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def raw(
        self, method: str, path: str, body: bytes | None = None, content: str = "application/json", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Send anything; return status, headers and body."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        given = {"Content-Type": content, **named} if content else named
        self._connection.request(method, path, body, given)
        answer = self._connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()

    def predict(self, body: Any, content: str = "application/json") -> Any:
        """Ask for predictions that there are."""
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        status, headers, answer = self.raw("POST", "/invocations", sent, content)
        assert (status, headers["content-type"]) == (200, "application/json"), answer
        return json.loads(answer)["predictions"]

    def refused(self, body: Any) -> tuple[int, str, str]:
        """Ask what has to fail; return status, error code and message."""
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        status, _, answer = self.raw("POST", "/invocations", sent)
        told = json.loads(answer)
        return status, told["error_code"], told["message"]

    def infer(self, body: Any, place: str = "/v2/models/lin/infer") -> tuple[int, Any]:
        """Ask by the Open Inference Protocol."""
        status, _, answer = self.raw("POST", place, json.dumps(body).encode())
        return status, json.loads(answer)

    def close(self) -> None:
        self._connection.close()


Serve = Callable[..., Asking]


@pytest.fixture(scope="module")
def serve() -> Iterator[Serve]:
    """Serve a model's folder with some options, until the module's tests are over."""
    stops: list[Callable[[], None]] = []

    def start(folder: Path, **options: Any) -> Asking:
        given = {"name": "lin", "version": "1", **options}
        server = uvicorn.Server(
            uvicorn.Config(build(Options(str(folder), **given)), log_level="error", lifespan="on", access_log=False)
        )
        place = listening("127.0.0.1", 0)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [place]})
        thread.start()
        while not server.started and thread.is_alive():
            thread.join(0.01)
        assert server.started
        asking = Asking(place.getsockname()[1])

        def stop() -> None:
            asking.close()
            server.should_exit = True
            thread.join(20)
            place.close()

        stops.append(stop)
        return asking

    yield start
    for stop in stops:
        stop()


@pytest.fixture(scope="module")
def linear(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A linear model of four columns that sums them."""
    folder = tmp_path_factory.mktemp("linear") / "model"
    model = LinearRegression().fit(X, X.sum(axis=1))
    steno.save_model(model, folder, input_example=X[:2])
    return folder
