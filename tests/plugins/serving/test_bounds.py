"""Requests are bounded in length and time, a model that fails hurts one request, and many are predicted together."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest
import steno
import steno.pyfunc
from steno.asgi import messages

from tests.plugins.serving.conftest import Asking, Serve

SCRIPT = """
import time
import steno.pyfunc


class Slow(steno.pyfunc.PythonModel):
    calls = 0

    def predict(self, context, model_input, params=None):
        if (model_input["seconds"] < 0).any():
            raise KeyError("negative")
        time.sleep(float(model_input["seconds"].max()))
        Slow.calls += 1
        return [Slow.calls] * len(model_input)


steno.models.set_model(Slow())
"""

TALK = """
import steno.pyfunc


class Talk(steno.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return {"said": len(model_input["messages"])}


steno.models.set_model(Talk())
"""


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that takes as long as it is told, and returns how often it was asked."""
    folder = tmp_path_factory.mktemp("slow")
    (folder / "slow.py").write_text(SCRIPT)
    steno.pyfunc.save_model(
        folder / "model", python_model=folder / "slow.py", input_example=pd.DataFrame({"seconds": [0.0]})
    )
    return folder / "model"


def body(*seconds: float) -> dict[str, object]:
    return {"dataframe_split": {"columns": ["seconds"], "data": [[each] for each in seconds]}}


def test_what_takes_too_long_is_given_up_and_probes_are_answered_meanwhile(serve: Serve, slow: Path) -> None:
    asking = serve(slow, trusted=("slow.py",), timeout_s=0.3)
    other = Asking(asking.port)
    with ThreadPoolExecutor(1) as pool:
        began = time.monotonic()
        late = pool.submit(asking.raw, "POST", "/invocations", json.dumps(body(1.0)).encode())
        assert other.raw("GET", "/ping")[0] == 200
        assert late.result()[::2] == (504, b"the prediction takes more than 0.3 s")
        assert time.monotonic() - began < 0.9
    status, told = asking.infer(
        {"inputs": [{"name": "seconds", "shape": [1], "datatype": "FP64", "data": [9]}]}, "/v2/models/lin/infer"
    )
    assert (status, "0.3 s" in told["error"]) == (504, True)
    other.close()


def test_a_model_that_raises_is_a_bad_request_with_its_words(serve: Serve, slow: Path) -> None:
    asking = serve(slow, trusted=("slow.py",))
    assert asking.refused(body(-1.0)) == (400, "BAD_REQUEST", "the model failed: KeyError: 'negative'")
    assert asking.predict(body(0.0)) == [1]


def test_requests_that_come_together_are_predicted_together(serve: Serve, slow: Path) -> None:
    asking = serve(slow, trusted=("slow.py",), max_batch_size=4, max_latency_ms=2000.0)
    asked = [Asking(asking.port) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda each, count: each.predict(body(*[0.0] * count)), asked, (1, 2, 3, 4)))
        assert [len(each) for each in found] == [1, 2, 3, 4]
        assert len({value for each in found for value in each}) == 1, "one call of the model"
        mixed = list(pool.map(lambda each, s: each.raw("POST", "/invocations", json.dumps(body(s)).encode())[0],
                              asked, (0.0, -1.0, 0.0, 0.0)))  # fmt: skip
    assert mixed == [200, 400, 200, 200]
    for each in asked:
        each.close()


def test_a_process_that_is_told_to_stop_answers_what_is_in_flight(slow: Path) -> None:
    from steno.asgi.listening import listening

    with listening("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from steno.cli import main; main()", "models", "serve"]
    process = subprocess.Popen([*command, "-m", str(slow), "--trusted", "slow.py", "--port", str(port)])
    try:
        asking, deadline = Asking(port), time.monotonic() + 60
        while True:
            try:
                asking.raw("GET", "/ping")
                break
            except OSError:
                asking.close()
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.1)
        with ThreadPoolExecutor(1) as pool:
            late = pool.submit(asking.predict, body(1.5))
            time.sleep(0.5)
            process.terminate()
            assert late.result() == [1]
        process.wait(20)
    finally:
        process.kill()
        process.wait(20)


def test_a_talk_is_answered_as_it_is_also_where_requests_are_gathered(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "talk.py").write_text(TALK)
    steno.pyfunc.save_model(tmp_path / "model", python_model=tmp_path / "talk.py", signature=False)
    for most in (1, 4):
        asking = serve(tmp_path / "model", trusted=("talk.py",), max_batch_size=most)
        assert json.loads(asking.raw("POST", "/invocations", b'{"messages": []}')[2]) == {"said": 0}


def test_a_request_that_is_too_long_is_refused(serve: Serve, linear: Path) -> None:
    asking = serve(linear, max_body_bytes=2000)
    assert asking.raw("POST", "/invocations", b"x" * 3000)[0] == 413
    assert asking.raw("POST", "/v2/models/lin/infer", b"x" * 3000)[0] == 413


def test_a_request_that_never_comes_is_given_up(serve: Serve, linear: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "BODY_S", 0.2)
    asking = serve(linear)
    with socket.create_connection(("127.0.0.1", asking.port), timeout=10) as slow_one:
        head = "POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        slow_one.sendall((head + "Content-Length: 10\r\n\r\n{").encode())
        assert slow_one.recv(1000).startswith(b"HTTP/1.1 408")
    assert asking.raw("GET", "/ping")[0] == 200


def test_who_has_gone_leaves_nothing_behind(serve: Serve, slow: Path) -> None:
    asking = serve(slow, trusted=("slow.py",))
    with socket.create_connection(("127.0.0.1", asking.port), timeout=10) as gone:
        gone.sendall(b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{")
    assert asking.predict(body(0.0)) == [1]
