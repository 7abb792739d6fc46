"""A whole life of runs, models and a server whose files are in a bucket."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest
import steno
from click.testing import CliRunner
from sklearn.linear_model import LinearRegression
from steno.cli.root import steno as root
from steno.tracking import places
from steno.tracking.fluent import require_run
from steno_objects.loop import _Threads

ENDS = """
import os, sys, time, steno
from pathlib import Path
from steno.tracking.fluent import require_run
experiment = steno.create_experiment("in a bucket", artifact_location=sys.argv[1])
steno.start_run(experiment_id=experiment)
Path("large").write_bytes(b"0123456789abcdef" * (20 << 16))
begun = time.perf_counter()
require_run().log_file("deep/large.bin", Path("large"))
print(require_run().run_id, time.perf_counter() - begun)
"""


@pytest.fixture
def experiment(bucket, tmp_path):
    """An experiment of an embedded store, its files in a bucket."""
    steno.set_tracking_uri(f"sqlite:///{tmp_path}/steno.db")
    return steno.create_experiment("in a bucket", artifact_location=f"s3://{bucket}/some/where")


def test_a_large_file_is_delivered_behind_the_training_and_at_the_end_of_the_process(
    bucket, tmp_path, endpoint, amazon
):
    environ = {**os.environ, "STENO_TRACKING_URI": f"sqlite:///{tmp_path}/steno.db"}
    # A host by name: the process ends at once, and names are looked up by threads that its end no longer gives.
    environ["MLFLOW_S3_ENDPOINT_URL"] = endpoint.replace("127.0.0.1", "localhost")
    done = subprocess.run(
        [sys.executable, "-c", ENDS, f"s3://{bucket}/x"],
        env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    run_id, took = done.stdout.split()
    assert float(took) < 0.5
    (found,) = amazon.list_objects_v2(Bucket=bucket)["Contents"]
    assert found["Key"] == f"x/{run_id}/artifacts/deep/large.bin"
    assert found["Size"] == 20 << 20


def test_while_the_bucket_is_away_files_wait_and_come_by_themselves(between, bucket, experiment, wait):
    between.rule = lambda method, path: "busy"
    with steno.start_run(experiment_id=experiment) as run:
        begun = time.monotonic()
        require_run().log_file("a.txt", b"late")
        steno.log_metric("loss", 1.0)
        assert time.monotonic() - begun < 0.5
    between.rule = lambda method, path: ""
    assert steno.flush()
    assert steno.artifacts.load_text(f"runs:/{run.info.run_id}/a.txt") == "late"


def test_models_are_logged_registered_loaded_and_collected(bucket, experiment, amazon, tmp_path, monkeypatch):
    with steno.start_run(experiment_id=experiment) as run:
        steno.log_text("hello", "notes/ü + 1.txt")
        model = LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0])
        made = steno.sklearn.log_model(model, name="model", registered_model_name="churn")
    run_id = run.info.run_id
    for uri in (f"runs:/{run_id}/model", "models:/churn/1", f"models:/{made.model_id}"):
        assert steno.sklearn.load_model(uri).predict([[3.0]]) == pytest.approx([6.0])
    asked = ["--tracking-uri", steno.get_tracking_uri()]
    shown = CliRunner().invoke(root, [*asked, "--json", "artifacts", "list", run_id, "notes"])
    assert "ü + 1.txt" in json.dumps(json.loads(shown.output), ensure_ascii=False)
    brought = CliRunner().invoke(root, [*asked, "artifacts", "download", run_id, "notes", "-d", str(tmp_path / "to")])
    assert brought.exit_code == 0, brought.output
    assert next((tmp_path / "to").rglob("*.txt")).read_text() == "hello"
    steno.Client().delete_run(run_id)
    gone = CliRunner().invoke(root, [*asked, "gc", "--older-than", "0s", "--yes"])
    assert gone.exit_code == 0, gone.output
    left = [each["Key"] for each in amazon.list_objects_v2(Bucket=bucket).get("Contents", [])]
    assert not [key for key in left if run_id in key]
    assert left, "the files of what is registered stay"


@pytest.mark.parametrize("way", ["--artifacts-destination", "--default-artifact-root"])
def test_a_server_hands_files_on_or_lets_its_clients_go_there(way, bucket, tmp_path, amazon, wait):
    with _server(tmp_path, way, f"s3://{bucket}/shared") as url:
        steno.set_tracking_uri(url)
        with steno.start_run(experiment_id=steno.create_experiment("theirs")) as run:
            uri = steno.get_artifact_uri()
            assert (
                uri.startswith("mlflow-artifacts:/" if way == "--artifacts-destination" else f"s3://{bucket}/shared/")
                or url in uri
            )
            (tmp_path / "large").write_bytes(os.urandom(17 << 20))
            steno.log_artifact(tmp_path / "large", "deep/er")
            steno.log_text("x", "a b%41.txt")
        assert [info.path for info in steno.artifacts.list_artifacts(run_id=run.info.run_id)] == ["a b%41.txt", "deep"]
        place = steno.artifacts.download_artifacts(f"runs:/{run.info.run_id}/deep/er/large", dst_path=tmp_path / "back")
        assert Path(place).read_bytes() == (tmp_path / "large").read_bytes()
        found = {each["Key"]: each["Size"] for each in amazon.list_objects_v2(Bucket=bucket)["Contents"]}
        assert len(found) == 2
        assert all(key.startswith("shared/") for key in found)
        places.forget_stores()


@contextmanager
def _server(folder, *options):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from steno.cli import main; main()", "server", "--port", str(port)]
    with (folder / "said").open("wb") as out:
        store = f"sqlite:///{folder}/s.db"
        process = subprocess.Popen([*command, "--backend-store-uri", store, *options], stderr=out, cwd=folder)
    try:
        deadline = time.monotonic() + 40
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2).close()
                break
            except OSError:
                assert process.poll() is None, (folder / "said").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(15)


def test_work_is_taken_when_pools_take_no_more():
    assert _Threads().submit(lambda: 7).result(5) == 7
