"""Run by an interpreter that has MLflow: fill a store with one of everything."""

from __future__ import annotations

import sys

import mlflow
import numpy as np
from mlflow import MlflowClient
from mlflow.entities import Metric

uri, files = sys.argv[1:]
mlflow.set_tracking_uri(uri)
client = MlflowClient()
described = {"team": "a", "mlflow.note.content": "About\nvision ü"}
vision = client.create_experiment("vision", artifact_location=f"{files}/vision", tags=described)
gone = client.create_experiment("gone", artifact_location=f"{files}/gone")
client.create_experiment("empty", artifact_location=f"{files}/empty")


class Echo(mlflow.pyfunc.PythonModel):
    """Says what it is told."""

    def predict(self, context: object, model_input: list[str], params: object = None) -> list[str]:
        return model_input


mlflow.set_experiment("vision")
data = mlflow.data.from_numpy(np.arange(6.0).reshape(3, 2), name="train")
with mlflow.start_run(run_name="parent", description="the parent") as parent:
    mlflow.log_params({"lr": 0.1, "long": "x" * 3000})
    mlflow.set_tag("colour", "blue é")
    number = parent.info.run_id
    for value in (1.0, 0.5, float("nan"), float("inf"), float("-inf"), 1e-300):
        mlflow.log_metric("loss", value, step=3)
    client.log_batch(number, metrics=[Metric("acc", i / 7, 1_700_000_000_000 + i, i // 2) for i in range(20)])
    backwards = [("neg", 1.5, 1_700_000_000_000, -5), ("neg", 2.5, 1_600_000_000_000, 9)]
    client.log_batch(number, metrics=[Metric(*each) for each in (*backwards, ("a dir/a b", 1, 1_600_000_000_000, 1))])
    mlflow.log_input(data, context="training", tags={"split": "1"})
    mlflow.log_text("hello", "notes/a.txt")
    mlflow.log_text("", "empty.txt")
    mlflow.log_text("ü" * 50_000, "deep/er/b ü.txt")
    logged = mlflow.pyfunc.log_model(
        name="model",
        python_model=Echo(),
        registered_model_name="churn",
        params={"depth": 3},
        pip_requirements=["mlflow"],
    )
    mlflow.log_metric("val", 0.75, step=4, model_id=logged.model_id, dataset=data)
    mlflow.set_logged_model_tags(logged.model_id, {"kept": "gold"})
    with mlflow.start_run(nested=True, run_name="child"):
        mlflow.log_metric("loss", 9)
for name, status in (("failed", "FAILED"), ("killed", "KILLED")):
    ended = client.create_run(vision, run_name=name, start_time=1_690_000_000_000).info.run_id
    client.set_terminated(ended, status, end_time=1_700_000_001_234)
with mlflow.start_run(run_name="deleted") as deleted:
    mlflow.log_metric("x", 1)
client.delete_run(deleted.info.run_id)
running = client.create_run(vision, start_time=1_234_567_890_123, run_name="still running").info.run_id
client.log_param(running, "p", "")
mlflow.set_experiment("gone")
with mlflow.start_run(run_name="in gone"):
    mlflow.log_param("a", 1)
client.delete_experiment(gone)
mlflow.set_experiment("Default")
with mlflow.start_run(run_name="in default"):
    mlflow.log_metric("m", 2)
client.update_registered_model("churn", "Predicts churn")
client.set_registered_model_tag("churn", "owner", "ann")
client.update_model_version("churn", "1", "first")
client.set_model_version_tag("churn", "1", "ok", "yes")
client.create_model_version("churn", f"runs:/{number}/notes", run_id=number)
client.create_model_version("churn", f"models:/{logged.model_id}", run_id=number)
client.create_model_version("churn", f"{parent.info.artifact_uri}/notes", run_id=number)
client.delete_model_version("churn", "2")
client.set_registered_model_alias("churn", "champion", "1")
client.transition_model_version_stage("churn", "1", "Staging")
client.transition_model_version_stage("churn", "3", "Production")
client.create_registered_model("without versions", tags={"a": "b"})
