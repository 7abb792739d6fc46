"""What the runs of XGBoost's scikit-learn wrappers hold: one for each fit, whatever it is made of."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import steno
import xgboost
from sklearn.calibration import CalibratedClassifierCV
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier, XGBRanker, XGBRegressor, XGBRFClassifier, XGBRFRegressor

from .conftest import artifacts, children, history, only_run, series, top_runs

SMALL = {"n_estimators": 4, "max_depth": 2, "n_jobs": 1}
QUERIES = np.repeat(np.arange(20), 10)


class Mine(XGBClassifier):
    """A wrapper of the user's own, with a fit of its own."""

    def fit(self, X, y, **more):
        return super().fit(X, 1 - y, **more)


@pytest.mark.parametrize(
    ("model", "more"),
    [
        (XGBClassifier(**SMALL), {}),
        (XGBRegressor(**SMALL), {}),
        (XGBRFClassifier(**SMALL), {}),
        (XGBRFRegressor(**SMALL), {}),
        (XGBRanker(**SMALL), {"qid": QUERIES}),
        (xgboost.XGBModel(**SMALL), {}),
        (Mine(**SMALL), {}),
    ],
    ids=lambda given: type(given).__name__,
)
def test_a_fit_is_one_run_of_xgboosts(autolog, data, model, more):
    model.fit(*data, **more)
    run = only_run()
    assert (run.info.run_name, run.info.status) == (type(model).__name__, "FINISHED")
    assert run.data.tags["mlflow.autologging"] == "xgboost"
    assert run.data.params["max_depth"] == "2"
    assert run.data.params["num_boost_round"] == str(model.get_num_boosting_rounds())
    assert run.data.metrics["num_boosted_rounds"] == model.get_booster().num_boosted_rounds()
    assert "feature_importance_weight.json" in artifacts(run)


def test_every_round_of_every_evaluation_set_is_recorded(autolog, data):
    X, y = data
    model = XGBClassifier(**SMALL, eval_metric=["logloss", "error"])
    model.fit(X[:150], y[:150], eval_set=[(X[:150], y[:150]), (X[150:], y[150:])], verbose=False)
    run = only_run()
    for name, metrics in model.evals_result().items():
        for metric, values in metrics.items():
            assert series(run, f"{name}-{metric}") == values
    run = steno.get_run(run.info.run_id)
    assert {given.dataset.name for given in run.inputs.dataset_inputs} == {"dataset", "validation_0", "validation_1"}


def test_early_stopping_is_told(autolog, data):
    X, y = data
    model = XGBClassifier(n_estimators=60, n_jobs=1, early_stopping_rounds=2)
    model.fit(X[:150], y[:150], eval_set=[(X[150:], y[150:])], verbose=False)
    metrics = only_run().data.metrics
    assert metrics["best_iteration"] == model.best_iteration
    assert metrics["stopped_iteration"] == len(model.evals_result()["validation_0"]["logloss"]) - 1


def test_a_training_that_goes_on_counts_on(autolog, data):
    first = XGBClassifier(**SMALL).fit(*data)
    XGBClassifier(**SMALL).fit(*data, xgb_model=first, eval_set=[data], verbose=False)
    assert [step for step, _ in history(top_runs()[-1], "validation_0-logloss")] == [4, 5, 6, 7]


def test_a_generator_of_the_users_is_not_drawn_from(autolog, data):
    def drawn():
        generator = np.random.RandomState(3)
        model = XGBRegressor(**SMALL, subsample=0.5, random_state=generator).fit(*data)
        return model.get_booster().save_raw(), generator.get_state()[1].tolist()

    ours = drawn()
    run = only_run()
    steno.autolog(disable=True)
    assert ours == drawn()
    assert run.data.params["random_state"] == "RandomState"
    assert run.data.params["subsample"] == "0.5"


def test_metrics_after_the_fit_find_its_run(autolog, data):
    X_test, y_test = data[0][150:], data[1][150:]
    model = XGBClassifier(**SMALL).fit(data[0][:150], data[1][:150])
    predicted = model.predict(X_test)
    other = XGBClassifier(**SMALL, random_state=1).fit(*data)
    accuracy = accuracy_score(y_test, predicted)
    area = roc_auc_score(y_test, model.predict_proba(X_test)[:, 1])
    score = other.score(X_test, y_test)
    first, second = top_runs()
    assert first.data.metrics["accuracy_score_X_test"] == accuracy
    assert first.data.metrics["roc_auc_score_X_test"] == area
    assert second.data.metrics["XGBClassifier_score_X_test"] == score
    assert json.loads(json.dumps(accuracy)) == accuracy
    assert "metric_info.json" in artifacts(first)


def test_a_pipeline_is_one_run_with_the_rounds_inside(autolog, data):
    autolog(log_models=True)
    X, y = data
    pipeline = make_pipeline(StandardScaler(), XGBClassifier(**SMALL))
    pipeline.fit(X, y, xgbclassifier__eval_set=[(X, y)], xgbclassifier__verbose=False)
    run = only_run()
    assert run.info.run_name == "Pipeline"
    assert series(run, "validation_0-logloss") == pipeline[-1].evals_result()["validation_0"]["logloss"]
    assert run.data.params["xgbclassifier__max_depth"] == "2"
    assert len(run.outputs.model_outputs) == 1


def test_a_search_is_one_run_with_a_child_for_each_candidate(autolog, data):
    X, y = data
    search = GridSearchCV(XGBClassifier(**SMALL), {"max_depth": [1, 2]}, cv=2)
    search.fit(X, y, eval_set=[(X, y)], verbose=False)
    run = only_run()
    assert run.info.run_name == "GridSearchCV"
    assert run.data.tags["mlflow.autologging"] == "sklearn"
    assert not [key for key in run.data.metrics if key.startswith("validation_0")]
    assert len(children()) == 2


@pytest.mark.parametrize(
    "train",
    [
        lambda X, y: cross_val_score(XGBClassifier(**SMALL), X, y, cv=2),
        lambda X, y: CalibratedClassifierCV(XGBClassifier(**SMALL), cv=2).fit(X, y),
    ],
    ids=["cross-validation", "calibration"],
)
def test_many_fits_of_one_call_are_one_run(autolog, data, train):
    train(*data)
    assert len(top_runs()) == 1
    assert "num_boosted_rounds" not in only_run().data.metrics


def test_a_frame_is_described_by_its_columns(autolog, data):
    frame = pd.DataFrame(data[0], columns=["a", "b", "c", "d"])
    XGBClassifier(**SMALL).fit(frame, data[1])
    run = steno.get_run(only_run().info.run_id)
    schema = json.loads(run.inputs.dataset_inputs[0].dataset.schema)
    assert [column["name"] for column in schema["mlflow_colspec"]] == ["a", "b", "c", "d"]


def test_a_bad_fit_is_a_failed_run(autolog, data):
    with pytest.raises(ValueError, match="label"):
        XGBRegressor(**SMALL).fit(data[0], data[1][:5])
    run = only_run()
    assert run.info.status == "FAILED"
    assert run.data.params["max_depth"] == "2"


def test_a_search_in_processes_is_one_run(autolog, data):
    search = GridSearchCV(XGBClassifier(**SMALL), {"max_depth": [1, 2]}, cv=2, n_jobs=2).fit(*data)
    run = only_run()
    assert run.data.metrics["best_cv_score"] == search.best_score_
    assert len(children()) == 2
