"""What `mlflow models serve` answers, `steno models serve` answers: the same requests to both, side by side."""

from __future__ import annotations

import http.client
import json
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

COLUMNS = list("abcd")
ROW = [1, 2, 3.5, -4]
NAMED = dict(zip(COLUMNS, ROW, strict=True))
JSON = "application/json"
SAVE = """
import mlflow, numpy as np, pandas as pd
from sklearn.linear_model import LinearRegression

X = pd.DataFrame(np.arange(24.0).reshape(6, 4), columns=list("abcd"))
for name, given in (("columns", X), ("tensor", X.to_numpy()), ("unsigned", X.to_numpy())):
    model = LinearRegression().fit(given, X.sum(axis=1))
    signature = None if name == "unsigned" else mlflow.models.infer_signature(given, model.predict(given))
    mlflow.sklearn.save_model(model, name, signature=signature, serialization_format="skops")
"""
BODIES: dict[str, Any] = {
    "split": {"dataframe_split": {"columns": COLUMNS, "data": [ROW, ROW]}},
    "split with index": {"dataframe_split": {"columns": COLUMNS, "index": [4], "data": [ROW]}},
    "split without columns": {"dataframe_split": {"data": [ROW]}},
    "split with more": {"dataframe_split": {"columns": [*COLUMNS, "z"], "data": [[*ROW, 1]]}},
    "split with a wrong key": {"dataframe_split": {"columns": COLUMNS, "rows": [ROW]}},
    "records": {"dataframe_records": [NAMED, NAMED]},
    "records with more": {"dataframe_records": [{**NAMED, "z": "x"}]},
    "records with less": {"dataframe_records": [{"a": 1}]},
    "records with text": {"dataframe_records": [{**NAMED, "a": "x"}]},
    "records with a number as text": {"dataframe_records": [{**NAMED, "a": "5"}]},
    "records with a gap": {"dataframe_records": [{**NAMED, "a": None}]},
    "instances of lists": {"instances": [ROW]},
    "instances of objects": {"instances": [NAMED]},
    "instances by column": {"instances": {name: [value] for name, value in NAMED.items()}},
    "inputs of lists": {"inputs": [ROW]},
    "inputs of objects": {"inputs": [NAMED]},
    "inputs by column": {"inputs": {name: [value] for name, value in NAMED.items()}},
    "inputs of one row": {"inputs": NAMED},
    "two keys": {"inputs": [ROW], "instances": [ROW]},
    "no key": {},
    "a list": [ROW],
    "params": {"inputs": [NAMED], "params": {"x": 1}},
    "a further key": {"dataframe_records": [NAMED], "more": 1},
    "a talk": {"messages": [{"role": "user", "content": "x"}]},
    "no JSON": b"{",
    "nothing": b"",
}
CSVS = {"csv": b"a,b,c,d\n1,2,3.5,-4\n", "csv with less": b"a,b\n1,2\n", "csv with text": b"a,b,c,d\nx,2,3,4\n"}
CONTENTS = ("text/plain", f"{JSON}; charset=latin-1", f"{JSON}; charset=UTF-8", f"{JSON}; format=pandas-split")
Answer = tuple[int, Any]


@contextmanager
def served(command: list[str], folder: Path, environ: dict[str, str]) -> Iterator[Callable[..., Answer]]:
    """Start a scoring server; yields a function that asks it."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]

    def ask(path: str, body: bytes | None = None, content: str = JSON) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET" if body is None else "POST", path, body, {"Content-Type": content})
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        return answer.status, json.loads(said).get("predictions") if answer.status == 200 and body else None

    with subprocess.Popen(
        [*command, "--port", str(port)], cwd=folder, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            deadline = time.monotonic() + 120
            while True:
                try:
                    ask("/ping")
                    break
                except OSError:
                    assert process.poll() is None
                    assert time.monotonic() < deadline
                    time.sleep(0.1)
            yield ask
        finally:
            process.terminate()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_both_servers_answer_alike(peer: str, tmp_path: Path) -> None:
    place = str(Path(peer).parent)
    environ = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "PATH": f"{place}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run([peer, "-W", "ignore", "-c", SAVE], cwd=tmp_path, env=environ, check=True, timeout=200)
    differing = []
    for model in ("columns", "tensor", "unsigned"):
        theirs = [peer, "-m", "mlflow", "models", "serve", "-m", model, "--env-manager", "local"]
        ours = [*STENO, "models", "serve", "-m", model]
        with served(theirs, tmp_path, environ) as mlflow, served(ours, tmp_path, dict(os.environ)) as steno:
            for path in ("/ping", "/health", "/version", "/invocations", "/nothing"):
                assert steno(path) == mlflow(path), path
            asked = [(name, _sent(body), JSON) for name, body in BODIES.items()]
            asked += [(name, body, "text/csv") for name, body in CSVS.items() if model != "tensor"]
            asked += [(content, _sent(BODIES["records"]), content) for content in CONTENTS]
            for name, body, content in asked:
                found, expected = steno("/invocations", body, content), mlflow("/invocations", body, content)
                if found != (expected[0], pytest.approx(expected[1])):
                    differing.append((model, name, found, expected))
    assert differing == []


def _sent(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()
