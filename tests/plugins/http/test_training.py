"""A training recorded on a server: its run, its model and the model's registration, read back by us and by MLflow."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import steno
from steno.records import Tags

SEEN_BY_MLFLOW = """
import json, sys
from mlflow import MlflowClient
client = MlflowClient(sys.argv[1])
runs = {run.info.run_name: run for run in client.search_runs(["0"])}
outer, inner = runs["outer"], runs["inner"]
print(json.dumps({
    "params": outer.data.params, "metrics": outer.data.metrics, "status": outer.info.status,
    "history": [[p.step, p.value] for p in client.get_metric_history(outer.info.run_id, "loss")],
    "files": [f.path for f in client.list_artifacts(outer.info.run_id)],
    "nested": inner.data.tags["mlflow.parentRunId"] == outer.info.run_id,
}))
"""


def test_a_training_with_its_model_goes_there_and_comes_back(tracked):
    pytest.importorskip("sklearn")
    import numpy as np
    from sklearn.linear_model import LinearRegression

    inputs = np.arange(20.0).reshape(10, 2)
    with steno.start_run() as run:
        model = LinearRegression().fit(inputs, inputs[:, 0])
        steno.sklearn.log_model(model, name="model")
        steno.log_metric("loss", 0.5)
        assert run.info.artifact_uri == steno.get_run(run.run_id).info.artifact_uri
    assert steno.flush()
    loaded = steno.sklearn.load_model(f"runs:/{run.run_id}/model")
    assert np.allclose(loaded.predict(inputs), inputs[:, 0])
    version = steno.register_model(f"runs:/{run.run_id}/model", "line")
    assert (version.version, version.run_id) == ("1", run.run_id)
    steno.Client().set_registered_model_alias("line", "champion", "1")
    assert np.allclose(steno.pyfunc.load_model("models:/line@champion").predict(inputs), inputs[:, 0])


@pytest.mark.parametrize("upstream", ["mlflow"], indirect=True)
def test_mlflow_sees_what_steno_recorded(tracked, peer):
    with steno.start_run(run_name="outer") as run:
        steno.log_param("lr", 0.1)
        for step in range(5):
            steno.log_metric("loss", 1.0 / (step + 1), step)
        run.log_file("notes/a.txt", b"as it was")
        with steno.start_run(run_name="inner", nested=True) as inner:
            steno.log_metric("loss", 1.0)
    assert steno.flush()
    assert steno.get_run(inner.run_id).data.tags[Tags.PARENT_RUN_ID] == run.run_id
    command = [os.environ.get("PEER") or sys.executable, "-c", SEEN_BY_MLFLOW, peer]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "params": {"lr": "0.1"},
        "metrics": {"loss": 0.2},
        "status": "FINISHED",
        "history": [[step, 1.0 / (step + 1)] for step in range(5)],
        "files": ["notes"],
        "nested": True,
    }
