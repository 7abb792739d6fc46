"""Optuna's MLflowCallback: a study of some trials, nested in a run, with a decorated objective."""

from __future__ import annotations

import json
import sys
import warnings

import mlflow
import optuna
from optuna_integration.mlflow import MLflowCallback

warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
callback = MLflowCallback(
    tracking_uri=sys.argv[1], metric_name="score", create_experiment=False, mlflow_kwargs={"nested": True}
)


@callback.track_in_mlflow()
def objective(trial):
    x = trial.suggest_float("x", -10, 10)
    trial.set_user_attr("kind", trial.suggest_categorical("kind", ["a", "b"]))
    mlflow.log_metric("inner", x, step=trial.number)
    return (x - 2) ** 2


mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("optuna")
with mlflow.start_run(run_name="study") as run:
    study = optuna.create_study(study_name="study", sampler=optuna.samplers.RandomSampler(seed=1))
    study.optimize(objective, n_trials=5, callbacks=[callback])
print(json.dumps({"run_id": run.info.run_id, "values": [trial.value for trial in study.trials]}))
