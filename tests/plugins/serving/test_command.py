"""Train, log, register, alias, serve, ask: as a user does it, with the real command."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import steno
from sklearn.linear_model import LinearRegression

from tests.plugins.serving.conftest import X

STENO = Path(sys.executable).with_name("steno")
ROW = '{"dataframe_split": {"columns": ["a", "b", "c", "d"], "data": [[1, 2, 3.5, -4]]}}'


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a store in which a model is registered, and is the champion."""
    monkeypatch.chdir(tmp_path)
    steno.set_tracking_uri(f"sqlite:///{tmp_path}/steno.db")
    with steno.start_run():
        model = LinearRegression().fit(X, X.sum(axis=1))
        steno.log_model(model, name="model", input_example=X[:2], registered_model_name="sums")
    steno.Client().set_registered_model_alias("sums", "champion", 1)
    yield tmp_path
    steno.set_tracking_uri("")


def serve(folder: Path, *words: str) -> subprocess.Popen[str]:
    environ = {**os.environ, "STENO_TRACKING_URI": f"sqlite:///{folder}/steno.db"}
    return subprocess.Popen(
        [str(STENO), "models", "serve", *words], cwd=folder, env=environ, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_a_registered_model_is_served_to_curl_and_a_taken_port_is_said(registered: Path) -> None:
    port = free_port()
    process = serve(registered, "-m", "models:/sums@champion", "--port", str(port))
    place = f"http://127.0.0.1:{port}"
    try:
        asked = ["curl", "-sS", "--retry", "60", "--retry-delay", "1", "--retry-connrefused", "--max-time", "90"]
        assert subprocess.run([*asked, f"{place}/ping"], capture_output=True, check=True).stdout == b"\n"
        curl = ["curl", "-sS", "--max-time", "20", "-H", "Content-Type: application/json", "-d", ROW]
        found = subprocess.run([*curl, f"{place}/invocations"], capture_output=True, check=True, text=True).stdout
        assert found.startswith(('{"predictions":[2.5', '{"predictions":[2.49'))
        second = serve(registered, "-m", "models:/sums/1", "--port", str(port))
        assert second.wait(60) == 1
        assert f"cannot listen on 127.0.0.1:{port}" in (second.communicate()[1] or "")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    assert process.returncode in (0, 128 + signal.SIGTERM)
    assert "models:/sums@champion is served at" in (process.communicate()[1] or "")


def test_an_unknown_model_is_one_sentence(registered: Path) -> None:
    began = time.monotonic()
    process = serve(registered, "-m", "models:/sums/9")
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 1
    assert said.startswith("Error: ")
    assert "9" in said
    assert said.count("\n") == 1, said
    assert time.monotonic() - began < 60
