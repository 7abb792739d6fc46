"""What is trained and logged in an objective lands in the run of its trial."""

from __future__ import annotations

from typing import Any

import numpy as np
import optuna
import pytest
import steno

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(60, 3))
y = (X[:, 0] > 0).astype(int)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_fit_is_recorded_in_its_trial(recorded, jobs):
    from sklearn.linear_model import LogisticRegression

    steno.autolog(log_models=False)

    def objective(trial: Any) -> float:
        model = LogisticRegression(C=trial.suggest_float("regularization", 0.1, 10))
        return float(model.fit(X, y).score(X, y))

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(objective, n_trials=4, n_jobs=jobs)
    assert len(recorded.runs()) == 5
    for run, trial in zip(recorded.trials(), study.trials, strict=True):
        assert run.data.params["C"] == run.data.params["regularization"] == str(trial.params["regularization"])
        assert run.data.tags["estimator_name"] == "LogisticRegression"
        assert run.data.metrics["training_accuracy_score"] == pytest.approx(trial.value)
        assert run.info.status == "FINISHED"


def test_a_boosting_is_recorded_in_its_trial(recorded):
    xgboost = pytest.importorskip("xgboost")
    steno.autolog(log_models=False)

    def objective(trial: Any) -> float:
        data = xgboost.DMatrix(X, y)
        told: dict[str, Any] = {}
        depth = trial.suggest_int("max_depth", 1, 3)
        given = {"objective": "binary:logistic", "max_depth": depth, "nthread": 1}
        xgboost.train(given, data, 3, evals=[(data, "train")], evals_result=told, verbose_eval=False)
        return float(told["train"]["logloss"][-1])

    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(objective, n_trials=2)
    assert len(recorded.runs()) == 3
    for run, trial in zip(recorded.trials(), study.trials, strict=True):
        assert [step for step, _ in recorded.series(run, "train-logloss")] == [0, 1, 2]
        assert run.data.metrics["value"] == trial.value


def test_a_model_logged_in_a_trial_is_the_trials(recorded):
    from sklearn.tree import DecisionTreeClassifier

    steno.autolog()

    def objective(trial: Any) -> float:
        model = DecisionTreeClassifier(max_depth=trial.suggest_int("depth", 1, 3), random_state=0).fit(X, y)
        steno.log_text("seen", "note.txt")
        return float(model.score(X, y))

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(objective, n_trials=2)
    for run in recorded.trials():
        files = {file.path for file in steno.Client().list_artifacts(run.info.run_id)}
        assert {"note.txt", "model"} <= files
        assert steno.sklearn.load_model(f"runs:/{run.info.run_id}/model").max_depth == int(run.data.params["depth"])
