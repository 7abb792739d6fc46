"""A server below a path answers there, and nowhere else."""

from __future__ import annotations

import subprocess
import sys
from urllib.request import urlopen

import pytest
from steno.records import Batch, RunStart
from steno_http.artifacts import HttpArtifacts
from steno_http.store import HttpStore

EXPERIMENT = "/api/2.0/mlflow/experiments/get?experiment_id=0"
FILE = "/api/2.0/mlflow-artifacts/artifacts/0/a%2520b/c"


def test_a_server_below_a_path_is_whole_there_and_absent_elsewhere(serve):
    with serve(static_prefix="/team/steno") as server:
        for path in (
            EXPERIMENT,
            FILE,
            "/team",
            "/team/",
            "/team/stenography/x",
            "/team/%73teno" + EXPERIMENT,
            "/metrics",
        ):
            assert server.raw("GET", path)[0] == 404, path
        assert server.raw("GET", "/team/steno" + EXPERIMENT)[0] == 200
        assert server.raw("PUT", "/team/steno" + FILE, b"kept")[0] == 200
        assert server.raw("GET", "/team/steno" + FILE)[::2] == (200, b"kept")
        for probe in ("/health", "/team/steno/health", "/team/steno/api/steno/v1/openapi.json"):
            assert server.raw("GET", probe)[0] == 200
        assert server.raw("GET", "/team/steno" + EXPERIMENT, headers={"Host": "evil.example"})[0] == 403
        url = f"http://127.0.0.1:{server.port}/team/steno"
        store = HttpStore(url)
        store.write("run", Batch(start=RunStart("0", "run", 1), params={"a": "1"}))
        run = store.get_run("run")
        assert run.data.params == {"a": "1"}
        artifacts = HttpArtifacts(run.info.artifact_uri)
        artifacts.put("x", b"content")
        with artifacts.open("x") as file:
            assert file.read() == b"content"
        with urlopen(f"{url}/version", timeout=10) as answer:
            assert answer.status == 200
        store.close()


@pytest.mark.parametrize("prefix", ["steno", "/", "/steno/", "//x", "/a b", "/a?b"])
def test_a_prefix_that_is_none_is_told(tmp_path, prefix):
    command = [sys.executable, "-c", "from steno.cli import main; main()", "server", "--static-prefix", prefix]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert (done.returncode, "--static-prefix" in done.stderr) == (1, True)
