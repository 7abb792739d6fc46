"""Cross-validations and searches, CatBoost's own and scikit-learn's: one training is one run."""

from __future__ import annotations

import re

import catboost
import numpy as np
import pytest
import steno
from catboost import CatBoostClassifier, Pool
from joblib import Parallel, delayed
from sklearn.ensemble import BaggingClassifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from .recorded import SMALL, all_runs, artifacts, children, content, history, inputs, only_run, series, top_runs

BINARY = {**SMALL, "loss_function": "Logloss", "custom_metric": ["AUC"]}


def test_a_cross_validation_is_one_run_with_its_folds(autolog, data, capfd):
    table = catboost.cv(Pool(*data), BINARY, fold_count=3)
    run, folds = only_run(), children()
    assert run.data.params["fold_count"] == "3"
    for name in table.columns[1:]:
        assert series(run, name) == list(table[name])
    assert [fold.info.run_name for fold in folds] == ["fold 0", "fold 1", "fold 2"]
    for step in range(6):
        scores = [series(fold, "test-Logloss")[step] for fold in folds]
        assert np.mean(scores) == pytest.approx(table["test-Logloss-mean"][step], abs=1e-9), "tables hold ten digits"


def test_a_cross_validation_without_files_has_its_means(autolog, data, capfd):
    found = catboost.cv(Pool(*data), {**BINARY, "allow_writing_files": False}, fold_count=2, as_pandas=False)
    assert series(only_run(), "test-Logloss-mean") == found["test-Logloss-mean"]
    assert not children()


def test_a_search_of_catboosts_own_is_one_run_with_the_refit(autolog, data, capfd):
    X, y = data
    autolog(log_models=True)
    model = CatBoostClassifier(**SMALL)
    found = model.grid_search({"depth": [1, 3]}, X, y, cv=2, verbose=False)
    run = only_run()
    assert run.data.params["best_depth"] == str(found["params"]["depth"])
    assert series(run, "test-Logloss-mean") == found["cv_results"]["test-Logloss-mean"]
    assert series(run, "learn-Logloss") == model.get_evals_result()["learn"]["Logloss"]
    loaded = steno.catboost.load_model(f"runs:/{run.info.run_id}/model")
    assert np.array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert len(all_runs()) == 1


def test_a_search_without_refit_leaves_no_model(autolog, data, capfd):
    X, y = data
    model = CatBoostClassifier(**SMALL)
    model.randomized_search({"depth": [1, 2, 3]}, X, y, n_iter=2, cv=2, refit=False, verbose=False)
    assert "learn-Logloss" not in only_run().data.metrics
    assert not model.is_fitted()


def test_a_selection_of_features_is_one_run(autolog, data, capfd):
    X, y = data
    model = CatBoostClassifier(**SMALL)
    summary = model.select_features(
        X, y, features_for_select="0-3", num_features_to_select=2, steps=1, train_final_model=True
    )
    run = only_run()
    assert content(run, "selected_features.json")["selected_features"] == summary["selected_features"]
    assert run.data.metrics["tree_count"] == 6
    assert [value for _, value in history(run, "select-loss")] == pytest.approx(summary["loss_graph"]["loss_values"])


def test_a_pipeline_is_one_run_with_the_iterations_inside(autolog, data):
    X, y = data
    pipeline = make_pipeline(StandardScaler(), CatBoostClassifier(**SMALL)).fit(X, y)
    run = only_run()
    assert run.info.run_name == "Pipeline"
    assert series(run, "learn-Logloss") == pipeline[-1].get_evals_result()["learn"]["Logloss"]


@pytest.mark.parametrize("jobs", [None, 2])
def test_a_search_of_scikit_learns_is_one_run(autolog, data, jobs):
    X, y = data
    GridSearchCV(CatBoostClassifier(**SMALL), {"depth": [1, 2]}, cv=2, n_jobs=jobs).fit(X, y)
    run = only_run()
    assert run.info.run_name == "GridSearchCV"
    assert not [key for key in run.data.metrics if key.startswith("learn-")], "of many fits none joins"
    assert len(children()) == 2


def test_a_cross_validation_of_scikit_learns_is_one_run(autolog, data):
    cross_val_score(CatBoostClassifier(**SMALL), *data, cv=2)
    assert only_run().info.run_name == "cross_val_score"


def test_an_ensemble_is_one_run(autolog, data):
    BaggingClassifier(CatBoostClassifier(**SMALL), n_estimators=2).fit(*data)
    assert only_run().info.run_name == "BaggingClassifier"


def test_trainings_in_threads_of_joblib_are_runs_of_their_own(autolog, data):
    Parallel(2, backend="threading")(delayed(CatBoostClassifier(**SMALL).fit)(*data) for _ in range(3))
    runs = top_runs()
    assert [run.info.status for run in runs] == ["FINISHED"] * 3
    assert all(len(series(run, "learn-Logloss")) == 6 for run in runs)


def test_a_subclass_with_a_fit_of_its_own_is_one_run(autolog, data):
    class Own(CatBoostClassifier):
        def fit(self, X, y, **more):
            return super().fit(X, y, **more)

    Own(**SMALL).fit(*data)
    assert only_run().info.run_name == "Own"


def test_what_a_metric_trains_is_part_of_the_training(autolog, data):
    X, y = data

    class Training:
        """A metric of the user's that fits a model."""

        def get_final_error(self, error, weight):
            return error / weight

        def is_max_optimal(self):
            return True

        def evaluate(self, approxes, target, weight):
            CatBoostClassifier(**{**SMALL, "iterations": 1}, allow_writing_files=False).fit(X, y)
            return 1.0, 2.0

    with pytest.warns(UserWarning, match="numba"):
        CatBoostClassifier(**SMALL, eval_metric=Training()).fit(X, y)
    assert series(only_run(), "learn-Training") == [0.5] * 6


def test_metrics_after_a_training_are_its_runs(autolog, data):
    X, y = data
    model = CatBoostClassifier(**SMALL).fit(X, y)
    X_test, y_test = X[:50].copy(), y[:50]
    score = model.score(X_test, y_test)
    accuracy_score(y_test, model.predict(X_test))
    run = only_run()
    assert run.data.metrics["CatBoostClassifier_score_X_test"] == score
    assert run.data.metrics["accuracy_score_X_test"] == score
    assert "X_test" in inputs(run)


def test_names_of_metrics_are_keys(autolog, data):
    X, y = data
    CatBoostClassifier(**SMALL, loss_function="MultiClass", custom_metric=["F1"]).fit(
        X, y + (X[:, 1] > 1), eval_set=(X, y)
    )
    keys = [key for key in only_run().data.metrics if key.startswith("validation-F1")]
    assert keys
    assert all(re.fullmatch(r"validation-F1:class_\d", key) for key in keys)


def test_it_goes_into_a_run_of_the_users(autolog, data):
    with steno.start_run() as mine:
        CatBoostClassifier(**SMALL).fit(*data)
        steno.log_metric("own", 1.0)
    run = only_run()
    assert run.info.run_id == mine.run_id
    assert {"own", "learn-Logloss"} <= run.data.metrics.keys()
    assert "feature_importance_PredictionValuesChange.json" in artifacts(run)
