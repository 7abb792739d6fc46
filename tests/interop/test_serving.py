"""What `mlflow models serve` answers, `steno models serve` answers: the same requests to both, side by side.

Compared are the status, the error code and the predictions; the words are our own. `serving/save.py` makes the models,
`serving/asked.py` the requests.
"""

from __future__ import annotations

import http.client
import json
import math
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.interop.conftest import STENO
from tests.interop.serving.asked import CHANGES, CONTENTS, CSVS, asked

HERE = Path(__file__).parent / "serving"
Answer = tuple[int, Any]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def _both(*changes: str) -> set[str]:
    assert set(changes) <= set(CHANGES)
    return {f"{form}: {change}" for form in ("records", "inputs") for change in changes}


# Where steno answers otherwise on purpose, by model: what was asked, and why.
EVERYWHERE = [
    ({"params that are a list"}, "params that are none are told, not ignored"),
    ({f"content of type {CONTENTS[0]!r}"}, "a request without a type is the client's mistake, not the server's"),
    ({f"content of type {CONTENTS[1]!r}"}, "types of content have no case (RFC 9110)"),
]
OTHERWISE: dict[str, list[tuple[set[str], str]]] = {
    "columns": [
        *EVERYWHERE,
        ({"inputs that are text"}, "is refused by either; here as the table without columns that it is"),
    ],
    "tensor": [
        *EVERYWHERE,
        (set(CSVS) - {"csv of nothing", "csv not in UTF-8", "csv with a long row", "csv with a gap"},
         "a table of numbers is an array; MLflow's server takes no CSV where the signature is of arrays"),
        ({"records with a list"}, "is refused by either; here as it is read"),
        ({"no inputs"}, "is refused by either; here by the model, which is asked for no rows"),
    ],
    "unsigned": EVERYWHERE,
    "mixed": [
        (_both("a float as a long"), "MLflow cuts the fraction off"),
        ({"records: too large an integer"}, "MLflow makes it 0"),
        (_both("a gap in a long"), "integers with gaps have a type of their own"),
        (_both("a gap in a flag"), "MLflow makes it false"),
        (_both("a two as a flag", "text as a flag"), "MLflow makes it true, and \"false\" too"),
        (_both("a number as a moment"), "MLflow takes it for nanoseconds since 1970"),
        ({"inputs: a moment with a zone"}, "MLflow shifts it; within records both refuse it"),
        ({"inputs: bytes", "inputs: bytes that are no base64"}, "bytes are base64 in every form of a request"),
        ({"csv"}, "moments in CSV are read; MLflow's server fails on them"),
    ],
    "unnamed": [
        ({"rows", "rows as instances", "a row too long", "NaN"},
         "columns without names have types of their own; MLflow's server makes all one array, and refuses it"),
    ],
    "tensors": [],
}  # fmt: skip


@contextmanager
def served(command: list[str], folder: Path, environ: dict[str, str]) -> Iterator[int]:
    """Start a scoring server; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    with subprocess.Popen(
        [*command, "--port", str(port)], cwd=folder, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            deadline = time.monotonic() + 180
            while True:
                try:
                    ask(port, "GET", "/ping")
                    break
                except OSError:
                    assert process.poll() is None
                    assert time.monotonic() < deadline
                    time.sleep(0.1)
            yield port
        finally:
            process.terminate()


def ask(port: int, method: str, path: str, body: bytes | None = None, content: str = "") -> Answer:
    """Ask; return the status and the predictions or the error's code, else the type of what was said."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, body, {"Content-Type": content} if content else {})
    answer = connection.getresponse()
    said = answer.read()
    connection.close()
    if path == "/invocations" and answer.status == 200:
        return 200, json.loads(said)["predictions"]
    if path == "/invocations" and answer.status == 400:
        told = json.loads(said)
        assert isinstance(told["message"], str)
        return 400, told["error_code"]
    return answer.status, answer.getheader("content-type") if answer.status < 400 else None


def alike(one: Any, other: Any) -> bool:
    """Whether two predictions are the same, but for the last digits."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9)
    return bool(one == other)


@pytest.fixture(scope="module")
def environ(peer: str) -> dict[str, str]:
    """What MLflow's processes run in."""
    path = f"{Path(peer).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "PATH": path}


@pytest.fixture(scope="module")
def models(peer: str, environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the models, written by MLflow."""
    folder = tmp_path_factory.mktemp("models")
    subprocess.run([peer, "-W", "ignore", str(HERE / "save.py"), str(folder)], env=environ, check=True, timeout=200)
    return folder


@pytest.fixture(scope="module")
def mlflow(peer: str, environ: dict[str, str], models: Path) -> Callable[[str], Any]:
    """Serve a model by MLflow: `with mlflow("columns") as port`."""
    command = [peer, "-m", "mlflow", "models", "serve", "--env-manager", "local", "-m"]
    return lambda model: served([*command, model], models, environ)


@pytest.fixture(scope="module")
def steno(models: Path) -> Callable[[str], Any]:
    """Serve a model by steno."""
    command = [*STENO, "models", "serve", "--trusted", "echo.py", "-m"]
    return lambda model: served([*command, model], models, dict(os.environ))


@pytest.mark.parametrize("model", OTHERWISE)
def test_both_servers_answer_alike(model: str, mlflow: Callable[[str], Any], steno: Callable[[str], Any]) -> None:
    expected = {name: why for names, why in OTHERWISE[model] for name in names}
    differing, unknown = set(), []
    with mlflow(model) as theirs, steno(model) as ours:
        for name, body, content in asked(model):
            found, wanted = (ask(port, "POST", "/invocations", body, content) for port in (ours, theirs))
            if found[0] == wanted[0] and alike(found[1], wanted[1]):
                continue
            differing.add(name)
            if name not in expected:
                unknown.append((name, found, wanted))
    assert unknown == []
    assert set(expected) - differing == set(), "is answered alike by now"


def test_both_servers_have_the_same_paths_and_methods(
    mlflow: Callable[[str], Any], steno: Callable[[str], Any]
) -> None:
    with mlflow("columns") as theirs, steno("columns") as ours:
        for path in ("/ping", "/health", "/version", "/invocations", "/nothing", "/"):
            for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"):
                if (method, path) != ("POST", "/invocations"):
                    assert ask(ours, method, path) == ask(theirs, method, path), (method, path)


CLIENT = """
import json, sys
import pandas as pd
from mlflow.pyfunc.scoring_server.client import ScoringServerClient

client = ScoringServerClient("127.0.0.1", int(sys.argv[1]))
client.wait_server_ready(timeout=20)
found = client.invoke(pd.DataFrame([[1, 2, 3.5, -4]] * 3, columns=list("abcd"))).get_predictions()
told = ""
try:
    client.invoke(pd.DataFrame([[1, 2]], columns=list("ab")))
except Exception as error:
    told = str(error)
print(json.dumps([found.to_dict("split"), told]))
"""


def test_mlflows_client_of_its_scoring_server_asks_ours(
    peer: str, environ: dict[str, str], steno: Callable[[str], Any]
) -> None:
    with steno("columns") as port:
        command = [peer, "-W", "ignore", "-c", CLIENT, str(port)]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    found, told = json.loads(done.stdout.splitlines()[-1])
    assert found["data"] == [pytest.approx([2.5])] * 3
    assert "INVALID_PARAMETER_VALUE" in told
    assert "['c', 'd']" in told
