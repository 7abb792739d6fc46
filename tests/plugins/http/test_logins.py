"""A password in a server's address reaches the server, the processes that a training starts, and nothing else."""

from __future__ import annotations

import base64
import logging
import os
import pickle
import subprocess
import sys

import pytest
import steno
from steno.errors import StoreError, StoreUnavailable
from steno.tracking import recovery
from steno.tracking.writer import writer
from steno_http.store import HttpStore

LOGIN = "ann:pa%2Fss%20word"
SECRETS = [b"ann:pa", b"pa%2Fss", b"pa/ss word", base64.b64encode(b"ann:pa/ss word")]
HEADER = "Basic " + base64.b64encode(b"ann:pa/ss word").decode()
CHILD = """
import steno
with steno.start_run(run_name="child") as run:
    steno.log_metric("m", 2.0)
print(steno.get_tracking_uri())
assert steno.flush()
"""
TRAINING = """
import os, subprocess, sys, logging, numpy as np, steno
logging.basicConfig(level=logging.DEBUG)
steno.set_tracking_uri(sys.argv[1])
steno.autolog()
from sklearn.linear_model import LinearRegression
inputs = np.arange(20.0).reshape(10, 2)
LinearRegression().fit(inputs, inputs[:, 0])
with steno.start_run(run_name="parent") as run:
    steno.log_metric("m", 1.0)
    run.log_file("notes/a.txt", b"as it was")
    print(repr(run), repr(run.info), os.environ["STENO_TRACKING_URI"])
    print(steno.get_tracking_uri(), steno.get_registry_uri())
    if len(sys.argv) > 2:
        print(steno.get_artifact_uri())
        subprocess.run([sys.executable, "-c", sys.argv[2]], check=True)
"""


@pytest.fixture
def upstream(steno_url: str) -> str:
    return steno_url


def _with_login(url: str) -> str:
    return url.replace("//", f"//{LOGIN}@")


def _run(folder, *arguments: str, exit_timeout_s: str = "30") -> bytes:
    environ = {**os.environ, "STENO_JOURNAL_DIR": str(folder / "journal"), "STENO_EXIT_TIMEOUT_S": exit_timeout_s}
    command = [sys.executable, "-c", TRAINING, *arguments]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return done.stdout + done.stderr


def _all_written(folder) -> bytes:
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_a_training_leaves_no_trace_of_the_password_in_its_servers_address(middleman, upstream, tmp_path):
    pytest.importorskip("sklearn")
    middleman.be("closed")
    said = _run(tmp_path, _with_login(middleman.url), exit_timeout_s="1")
    waiting = _all_written(tmp_path / "journal")
    assert b"as it was" in waiting  # what was not delivered lies there, the address among it
    assert middleman.url.encode() in waiting
    middleman.be("")
    said += _run(tmp_path, _with_login(middleman.url), CHILD)
    assert said.count(middleman.url.encode() + b"\n") >= 2
    shown = {headers.get("Authorization") for _, _, headers in middleman.asked}
    assert shown == {HEADER}
    assert any(method == "PUT" for method, _, _ in middleman.asked)
    names = [run.info.run_name for run in steno.Client(upstream).search_runs(["0"])]
    assert names.count("parent") == 2
    assert names.count("child") == 1
    served = b"".join(map(_all_written, tmp_path.parent.glob("served*")))
    assert b"child" in served
    everything = said + _all_written(tmp_path) + served
    assert [secret for secret in SECRETS if secret in everything] == []


@pytest.mark.usefixtures("quick")
def test_no_message_and_no_pickle_has_the_password(tracked, caplog):
    caplog.set_level(logging.DEBUG)
    steno.set_tracking_uri(_with_login(tracked.url))
    tracked.be("401")
    with steno.start_run() as run:
        steno.log_metric("m", 1.0)
        shown = pickle.dumps(run) + repr(run.info).encode()
    assert not steno.flush()
    said = [str(carrier.failure) for carrier in writer.pending()]
    tracked.be("closed")
    with pytest.raises(StoreUnavailable) as caught:
        steno.Client().get_experiment("0")
    said += [str(caught.value), repr(steno.Client().store), *recovery.sync(_with_login(tracked.url)).failed.values()]
    shown += "\n".join([*said, caplog.text]).encode()
    assert b"401" in shown
    assert [secret for secret in SECRETS if secret in shown] == []
    tracked.be("")
    assert steno.flush(), [str(c.failure) for c in writer.pending()]


def test_a_password_is_shown_to_the_host_it_was_given_for_and_to_no_other(middleman, steno_url, monkeypatch):
    steno.set_tracking_uri("http://eve:other@127.0.0.2:1")
    HttpStore(middleman.url).get_experiment("0")
    steno.Client(middleman.url).get_experiment("0")
    assert [headers.get("Authorization") for _, _, headers in middleman.asked] == [None, None]
    steno.set_tracking_uri("")


def test_a_refusal_does_not_make_a_steno_server_an_mlflow_one(middleman):
    store = HttpStore(middleman.url)
    for way in ("401", "403", "503", "302", "page"):
        middleman.be(way, only=lambda path: path.endswith("server-info"))
        if way == "page":
            assert not store._server.is_steno()
        else:
            with pytest.raises(StoreError):
                store._server.is_steno()
    middleman.be("")
    assert store._server.is_steno()
    asked = len(middleman.asked)
    assert store._server.is_steno()
    assert len(middleman.asked) == asked
