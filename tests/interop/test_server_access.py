"""MLflow's own client, unmodified, says who it is to our gated server, and is refused where it does not."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager

import pytest

TOKEN, PASSWORD = "a-token-of-some-length", "ann's password"
SCRIPT = """
import sys, mlflow
mlflow.set_tracking_uri(sys.argv[1])
with mlflow.start_run() as run:
    mlflow.log_metric("m", 1.5)
    mlflow.log_text("hello", "note.txt")
assert mlflow.get_run(run.info.run_id).data.metrics == {"m": 1.5}
assert mlflow.artifacts.load_text(run.info.artifact_uri + "/note.txt") == "hello"
"""
KNOWN = {
    "token": {"MLFLOW_TRACKING_TOKEN": TOKEN},
    "basic": {"MLFLOW_TRACKING_USERNAME": "ann", "MLFLOW_TRACKING_PASSWORD": PASSWORD},
}


@pytest.fixture
def gated(serving):
    """Our server, gated: `with gated(folder, "token")`."""

    @contextmanager
    def gate(folder, auth):
        users = str(folder / "users")
        add = ["server-users", "add", "ann", "--password-from", "-", "--users-file", users]
        command = [sys.executable, "-c", "from steno.cli import main; main()", *add]
        subprocess.run(command, input=PASSWORD + "\n", text=True, check=True, cwd=folder, capture_output=True)
        with serving(folder, "--auth", auth, "--users-file", users, STENO_SERVER_TOKEN=TOKEN) as url:
            yield url

    return gate


@pytest.mark.slow
@pytest.mark.parametrize("auth", KNOWN)
def test_mlflows_client_is_let_in_by_its_own_variables_and_not_without(peer, gated, tmp_path, auth):
    plain = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    with gated(tmp_path, auth) as url:
        for more, is_let_in in ((KNOWN[auth], True), ({}, False)):
            done = subprocess.run(
                [peer, "-c", SCRIPT, url],
                cwd=tmp_path,
                env={**plain, **more},
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert (done.returncode == 0) is is_let_in, done.stderr
            assert is_let_in or "UNAUTHENTICATED" in done.stderr
