"""MLflow's own client, unmodified, sends a large file in parts to our server, through its gate, with workers."""

from __future__ import annotations

import os
import subprocess

import pytest

TOKEN = "a-token-of-some-length"
MB = 2**20
SCRIPT = """
import os, sys, hashlib, mlflow
from pathlib import Path
mlflow.set_tracking_uri(sys.argv[1])
content = os.urandom(int(sys.argv[2]))
Path("large.bin").write_bytes(content)
with mlflow.start_run() as run:
    mlflow.log_artifact("large.bin", "files")
    mlflow.log_artifact("large.bin")
for path in ("files/large.bin", "large.bin"):
    got = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path=path, dst_path="back")
    assert Path(got).read_bytes() == content
"""


@pytest.mark.slow
def test_mlflows_client_sends_a_large_file_in_parts(peer, serving, tmp_path):
    environ = {
        **os.environ,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
        "MLFLOW_TRACKING_TOKEN": TOKEN,
        "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "true",
        "MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE": str(5 * MB),
        "MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE": str(5 * MB),
    }
    with serving(tmp_path, "--auth", "token", "--workers", "2", STENO_SERVER_TOKEN=TOKEN) as url:
        done = subprocess.run(
            [peer, "-c", SCRIPT, url, str(28 * MB + 5)],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-3000:]
    uploads = list(tmp_path.rglob(".steno-parts-*"))
    assert [sorted(path.name for path in upload.iterdir()) for upload in uploads] == [["done", "key"]] * 2
