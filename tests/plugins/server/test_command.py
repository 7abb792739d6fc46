"""`steno server` as a user starts it: in processes of its own, until it is told to stop."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def ask(port, method, path, body=None, tls=None, **headers):
    if tls is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    else:
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=tls)
    try:
        connection.request(
            method, path, json.dumps(body) if body else None, {"Content-Type": "application/json", **headers}
        )
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        return answer.read()
    finally:
        connection.close()


@contextmanager
def started(folder, *options, tls=None):
    port = free_port()
    command = [sys.executable, "-c", "from steno.cli import main; main()", "server", "--port", str(port)]
    store = f"sqlite:///{folder}/s.db"
    process = subprocess.Popen(
        [*command, "--backend-store-uri", store, *options], cwd=folder, stderr=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                assert ask(port, "GET", "/health", tls=tls) == b"OK"
                break
            except OSError:
                assert process.poll() is None, process.stderr.read()
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield process, port
    finally:
        process.kill()
        process.communicate(timeout=10)


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(each) for each in file.read().split()]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_server_answers_until_it_is_terminated(tmp_path, workers):
    with started(tmp_path, "--workers", workers) as (process, port):
        for number in range(20):
            ask(port, "POST", "/api/2.0/mlflow/runs/create", {"experiment_id": "0", "run_name": f"r{number}"})
        body = {"experiment_ids": ["0"]}
        assert len(json.loads(ask(port, "POST", "/api/2.0/mlflow/runs/search", body))["runs"]) == 20
        started_by_it = children_of(process.pid)
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) in (0, -signal.SIGTERM)
        deadline = time.monotonic() + 5
        while any(os.path.exists(f"/proc/{pid}") for pid in started_by_it):
            assert time.monotonic() < deadline, "a process was left behind"
            time.sleep(0.05)


def test_what_was_acknowledged_is_there_after_a_kill(tmp_path):
    acknowledged = 0
    with started(tmp_path) as (process, port):
        made = json.loads(ask(port, "POST", "/api/2.0/mlflow/runs/create", {"experiment_id": "0"}))
        run_id = made["run"]["info"]["run_id"]
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        for number in range(100_000):
            if number == 300:
                process.send_signal(signal.SIGKILL)
            point = {"run_id": run_id, "key": "m", "value": number, "timestamp": number, "step": number}
            try:
                connection.request(
                    "POST", "/api/2.0/mlflow/runs/log-metric", json.dumps(point), {"Content-Type": "application/json"}
                )
                assert connection.getresponse().read() == b"{}"
            except OSError:
                break
            acknowledged = number + 1
        connection.close()
    assert acknowledged >= 300
    with started(tmp_path) as (_, port):
        found = json.loads(ask(port, "GET", f"/api/2.0/mlflow/metrics/get-history?run_id={run_id}&metric_key=m"))
        steps = [each["step"] for each in found["metrics"]]
        assert steps[:acknowledged] == list(range(acknowledged))
        assert len(steps) <= acknowledged + 1


def test_a_token_is_made_shown_once_and_kept(tmp_path):
    search = "/api/2.0/mlflow/experiments/get?experiment_id=0"
    shown = []
    for options in ((), (), ("--workers", "2")):
        with started(tmp_path, "--auth", "token", *options) as (process, port):
            token = (tmp_path / "server-token").read_text().strip()
            ask(port, "GET", search, Authorization=f"Bearer {token}")
            with pytest.raises(AssertionError, match="UNAUTHENTICATED"):
                ask(port, "GET", search)
            process.send_signal(signal.SIGTERM)
            shown.append(token in process.communicate(timeout=15)[1])
    assert shown == [True, False, False]
    assert (tmp_path / "server-token").stat().st_mode & 0o777 == 0o600


def test_a_token_is_taken_from_the_environment_and_kept_nowhere(tmp_path, monkeypatch):
    monkeypatch.setenv("STENO_SERVER_TOKEN", "the-token-of-this-test")
    with started(tmp_path, "--auth", "token") as (_, port):
        ask(port, "GET", "/metrics", Authorization="Bearer the-token-of-this-test")
    assert not (tmp_path / "server-token").exists()
    monkeypatch.setenv("STENO_SERVER_TOKEN", "short")
    command = [sys.executable, "-c", "from steno.cli import main; main()", "server", "--auth", "token"]
    told = subprocess.run([*command, "--port", "0"], cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert told.returncode == 1
    assert "at least 16 characters" in told.stderr


def test_artifacts_that_cannot_be_served_are_told_with_the_remedy(tmp_path):
    command = [sys.executable, "-c", "from steno.cli import main; main()", "server", "--port", str(free_port())]
    told = subprocess.run(
        [*command, "--artifacts-destination", "https://b/x"], cwd=tmp_path, capture_output=True, text=True, timeout=30
    )
    assert told.returncode == 1
    assert "--no-serve-artifacts" in told.stderr
    assert "Traceback" not in told.stderr


def test_an_address_that_is_taken_is_told_with_the_remedy(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = [sys.executable, "-c", "from steno.cli import main; main()", "server"]
        port = str(taken.getsockname()[1])
        done = subprocess.run([*command, "--port", port], cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "--port" in done.stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [([], "may read and change everything"), (["--auth", "token"], "not encrypted"), (["--host", "127.0.0.1"], "")],
)
def test_a_server_that_others_reach_says_what_that_means(tmp_path, options, told):
    with socket.socket() as taken:  # so that nothing listens on all addresses even for a moment
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-c", "from steno.cli import main; main()", "server", "--port", port]
        done = subprocess.run(
            [*command, "--host", "0.0.0.0", *options], cwd=tmp_path, capture_output=True, text=True, timeout=30
        )
    assert done.returncode == 1
    assert told in done.stderr
    assert bool(told) == ("0.0.0.0" in done.stderr.partition(" is served")[0])
