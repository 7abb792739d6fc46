"""Other people's clients of MLflow, unmodified, against our server; `others` has what their users write.

PEER names an interpreter with MLflow and, for each test, the framework; SKINNY one that has `mlflow-skinny` alone.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import steno

HERE = Path(__file__).parent / "others"
SKINNY = os.environ.get("SKINNY", "")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def server(serving, tmp_path_factory) -> Iterator[str]:
    """One server for all of them, as a team has it."""
    with serving(tmp_path_factory.mktemp("others")) as url:
        yield url


@pytest.fixture
def run_by(server: str, tmp_path: Path) -> Callable[..., tuple[Any, steno.Client]]:
    """Run a script; return what it printed last, and a client of ours to look at what arrived."""

    def run(interpreter: str, script: str, *needs: str) -> tuple[Any, steno.Client]:
        for package in needs:
            if subprocess.run([interpreter, "-c", f"import {package}"], capture_output=True, check=False).returncode:
                pytest.skip(f"{package} is not installed beside MLflow there")
        folder = tmp_path / "work"
        folder.mkdir()
        quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
        done = subprocess.run(
            [interpreter, str(HERE / script), server],
            cwd=folder,
            env={**os.environ, **quiet},
            capture_output=True,
            text=True,
            timeout=350,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-4000:]
        return json.loads(done.stdout.splitlines()[-1]), steno.Client(server)

    return run


def _steps(client: steno.Client, run_id: str, key: str) -> list[int]:
    return [point.step for point in client.get_metric_history(run_id, key)]


def test_lightnings_logger(peer, run_by):
    said, client = run_by(peer, "lightning_logger.py", "lightning")
    run = client.get_run(said["run_id"])
    assert (run.info.run_name, run.info.status) == ("fit", "FINISHED")
    assert client.get_experiment(said["experiment_id"]).name == "lightning"
    assert run.data.params == {"lr": "0.1"}
    assert run.data.tags["team"] == "a"
    assert _steps(client, said["run_id"], "train_loss_step") == list(range(1, said["steps"], 2))
    assert _steps(client, said["run_id"], "train_loss_epoch") == [7, 15, 23]
    assert run.data.metrics["after"] == 1.5
    (kept,) = client.list_artifacts(said["run_id"])
    assert {Path(each.path).name for each in client.list_artifacts(said["run_id"], kept.path)} >= {
        f"{kept.path}.ckpt",
        "metadata.yaml",
    }


def test_optunas_callback(peer, run_by):
    said, client = run_by(peer, "optuna_callback.py", "optuna", "optuna_integration")
    study = client.get_run(said["run_id"])
    found = client.search_runs([study.info.experiment_id], f"tags.mlflow.parentRunId = '{said['run_id']}'")
    trials = {int(run.data.tags["number"]): run for run in found}
    assert sorted(trials) == list(range(5))
    assert [trials[number].data.metrics["score"] for number in range(5)] == said["values"]
    assert {run.info.status for run in found} == {"FINISHED"}
    assert all(run.data.params["kind"] == run.data.tags["kind"] for run in found)
    assert all(_steps(client, run.info.run_id, "inner") == [number] for number, run in trials.items())


def test_hugging_faces_callback(peer, run_by):
    said, client = run_by(peer, "transformers_callback.py", "transformers", "accelerate")
    run = client.get_run(said["run_id"])
    assert (run.info.run_name, run.info.status, run.data.tags["team"]) == ("tuned", "FINISHED", "a")
    assert client.get_experiment(run.info.experiment_id).name == "transformers"
    assert len(run.data.params) > 100  # two batches of them
    assert run.data.params["per_device_train_batch_size"] == "4"
    assert _steps(client, said["run_id"], "loss") == list(range(2, said["steps"] + 1, 2))
    assert run.data.metrics["eval_loss"] > 0
    (model,) = client.search_logged_models([run.info.experiment_id])
    assert (model.name, model.status, model.source_run_id) == (f"checkpoint-{said['steps']}", "READY", said["run_id"])
    assert "MLmodel" in {each.path for each in client.list_logged_model_artifacts(model.model_id)}


def test_the_skinny_client(run_by):
    if not SKINNY:
        pytest.skip("the variable SKINNY may name an interpreter that has mlflow-skinny alone")
    said, client = run_by(SKINNY, "skinny.py", "mlflow")
    run = client.get_run(said.pop("run_id"))
    assert said == {
        "found": ["thin"],
        "history": [[step, 1 / (step + 1)] for step in range(5)],
        "points": 1000,
        "files": ["files/below/b.bin"],
        "text": "hello",
        "champion": run.info.run_id,
    }
    assert run.data.params == {"lr": "0.1", "depth": "3", **{f"p{i}": str(i) for i in range(100)}}
    assert _steps(client, run.info.run_id, "m") == list(range(1000))
    local = client.download_artifacts(run.info.run_id, "files")
    assert (Path(local) / "below/b.bin").read_bytes() == bytes(range(256))


def test_mlflows_autologging_with_models_logged_and_registered(peer, run_by):
    said, client = run_by(peer, "autologging.py", "sklearn", "xgboost")
    assert said["names"][:2] + said["names"][-2:] == ["forest", "search", "trees", "classifier"]
    assert (said["parents"], said["same"], said["text"]) == (4, [True, True, True], "as it was")
    forest, search, trees = (client.get_run(said["runs"][name]) for name in ("forest", "search", "trees"))
    assert forest.data.params["n_estimators"] == "5"
    assert forest.data.metrics["training_score"] == said["score"]
    assert search.data.params["best_n_estimators"] in "23"
    assert {each.path for each in client.list_artifacts(forest.info.run_id, "reports")} == {
        "reports/b.bin",
        "reports/deep",
    }
    assert _steps(client, trees.info.run_id, "train-logloss") == list(range(6))
    assert len(forest.inputs.dataset_inputs) == 1
    models = {model.source_run_id: model for model in client.search_logged_models([forest.info.experiment_id])}
    for run in (forest, search, trees):
        assert models[run.info.run_id].status == "READY"
        assert models[run.info.run_id].model_id in {each.model_id for each in run.outputs.model_outputs}
    mine = [each for each in said["versions"] if each[0] in ("forest", "trees")]
    assert [each[:2] for each in mine] == [["forest", "1"], ["forest", "2"], ["trees", "1"], ["trees", "2"]]
    assert mine[0][2] == forest.info.run_id
    assert mine[2][2] == trees.info.run_id
    client.set_registered_model_alias("trees", "champion", "1")
    assert client.get_model_version_by_alias("trees", "champion").model_id == models[trees.info.run_id].model_id
