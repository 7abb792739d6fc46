"""MLflow's own client, unmodified, against our server: it sees what it saw of MLflow's own.

`server/seen.json` is what `server/script.py` saw of an MLflow 3.17.2 server on SQLite. It is written anew by
`$PEER tests/interop/server/script.py http://127.0.0.1:<port of a fresh MLflow server> tests/interop/server/seen.json`.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "server"


@pytest.mark.slow
def test_mlflows_client_sees_of_our_server_what_it_sees_of_mlflows(peer, serving, tmp_path):
    environ = {
        **os.environ,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    }
    with serving(tmp_path) as url:
        done = subprocess.run(
            [peer, str(HERE / "script.py"), url, str(tmp_path / "seen.json")],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-3000:]
    ours, theirs = (json.loads((where / "seen.json").read_text()) for where in (tmp_path, HERE))
    assert len(theirs) > 80
    for mine, wanted in zip(ours, theirs, strict=True):
        assert mine == wanted
