"""mlflow-skinny, the client without NumPy or pandas: runs, batches, artifacts, a registered model."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

assert find_spec("pandas") is None, "this is no skinny client"
mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("skinny")
with mlflow.start_run(run_name="thin", tags={"team": "a"}, log_system_metrics=False) as run:
    mlflow.log_params({"lr": 0.1, "depth": 3})
    for step in range(5):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.log_text("hello", "notes/a.txt")
    Path("folder/below").mkdir(parents=True)
    Path("folder/below/b.bin").write_bytes(bytes(range(256)))
    mlflow.log_artifacts("folder", "files")
client = MlflowClient()
client.log_batch(run.info.run_id, [Metric("m", i, 1, i) for i in range(1000)], [], [])
client.log_batch(run.info.run_id, [], [Param(f"p{i}", i) for i in range(100)], [RunTag("t", "1")])
client.create_registered_model("thin")
client.create_model_version("thin", f"runs:/{run.info.run_id}/files", run.info.run_id)
client.set_registered_model_alias("thin", "champion", "1")
found = mlflow.search_runs(["0", run.info.experiment_id], "metrics.loss < 0.5", output_format="list")
print(
    json.dumps(
        {
            "run_id": run.info.run_id,
            "found": [each.info.run_name for each in found],
            "history": [[point.step, point.value] for point in client.get_metric_history(run.info.run_id, "loss")],
            "points": len(client.get_metric_history(run.info.run_id, "m")),
            "files": [each.path for each in client.list_artifacts(run.info.run_id, "files/below")],
            "text": mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/notes/a.txt"),
            "champion": client.get_model_version_by_alias("thin", "champion").run_id,
        }
    )
)
