"""Searches are recorded whole: every candidate, every fold, equal to `cv_results_`."""

from __future__ import annotations

import csv
import warnings
from pathlib import Path

import joblib
import numpy as np
import pytest
import steno
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - it makes the classes importable
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, HalvingRandomSearchCV, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from steno_sklearn import searches

from .conftest import artifacts, children_of, history, top_runs

GRID = {"max_depth": [1, 2, 3], "min_samples_leaf": [1, 20]}
TREE = DecisionTreeClassifier(random_state=0)
SEARCHES = {
    "grid": lambda **more: GridSearchCV(TREE, GRID, cv=3, **more),
    "random": lambda **more: RandomizedSearchCV(TREE, GRID, n_iter=4, cv=3, random_state=0, **more),
    "halving": lambda **more: HalvingGridSearchCV(TREE, GRID, cv=3, random_state=0, min_resources=30, **more),
    "halving at random": lambda **more: HalvingRandomSearchCV(
        TREE, GRID, n_candidates=4, cv=3, random_state=0, min_resources=30, **more
    ),
}


def assert_recorded_whole(search, parent):
    """Each candidate's run holds each number of `cv_results_`."""
    results = search.cv_results_
    children = children_of(parent)
    assert len(children) == len(results["params"])
    columns = [
        name for name in results if not name.startswith("param") and np.asarray(results[name]).dtype.kind in "if"
    ]
    assert any(name.startswith("split2_test_") for name in columns)
    for index, child in enumerate(children):
        assert child.data.params == {key: str(value) for key, value in results["params"][index].items()}
        for name in columns:
            assert child.data.metrics[name] == pytest.approx(float(results[name][index]), abs=1e-12, nan_ok=True), name
        for name in ("fit_time", "score_time"):
            steps, values = zip(*history(child, name), strict=True)
            assert steps == (0, 1, 2)
            assert np.mean(values) == pytest.approx(results[f"mean_{name}"][index], abs=1e-12)
            assert np.std(values) == pytest.approx(results[f"std_{name}"][index], abs=1e-12)
        assert child.info.status == "FINISHED"
        assert child.info.start_time <= child.info.end_time
        assert child.data.tags["estimator_name"] == type(search.estimator).__name__
        assert child.data.tags["mlflow.autologging"] == "sklearn"


@pytest.mark.parametrize("kind", SEARCHES)
def test_every_candidate_is_a_child_with_its_folds(autolog, iris, kind):
    search = SEARCHES[kind]().fit(*iris)
    (parent,) = top_runs()
    assert_recorded_whole(search, parent)
    assert parent.info.run_name == type(search).__name__
    assert parent.data.metrics["best_cv_score"] == pytest.approx(search.best_score_, abs=1e-12)
    assert parent.data.metrics["training_accuracy_score"] == pytest.approx(search.score(*iris), abs=1e-12)
    for key, value in search.best_params_.items():
        assert parent.data.params[f"best_{key}"] == str(value)
    assert "estimator__max_depth" not in parent.data.params


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_workers_change_nothing(autolog, iris, backend):
    with joblib.parallel_backend(backend):
        search = SEARCHES["grid"](n_jobs=2).fit(*iris)
    (parent,) = top_runs()
    assert_recorded_whole(search, parent)


def test_several_scorers_and_training_scores_are_kept(autolog, iris):
    search = SEARCHES["grid"](scoring=["accuracy", "f1_macro"], refit="f1_macro", return_train_score=True).fit(*iris)
    (parent,) = top_runs()
    assert_recorded_whole(search, parent)
    metrics = children_of(parent)[0].data.metrics
    assert {"rank_test_accuracy", "split1_train_f1_macro", "mean_test_f1_macro"} <= metrics.keys()
    assert parent.data.metrics["training_score"] == pytest.approx(search.score(*iris), abs=1e-12)


def test_without_refit_the_candidates_are_kept(autolog, iris):
    search = SEARCHES["grid"](refit=False).fit(*iris)
    (parent,) = top_runs()
    assert_recorded_whole(search, parent)
    assert "training_score" not in parent.data.metrics


def test_a_search_over_a_pipeline_makes_no_other_runs(autolog, iris):
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    search = GridSearchCV(pipeline, {"logisticregression__C": [0.1, 1]}, cv=3).fit(*iris)
    (parent,) = top_runs()
    assert_recorded_whole(search, parent)
    assert "logisticregression__C" in children_of(parent)[0].data.params


def test_the_table_of_results_is_an_artifact(autolog, iris):
    search = SEARCHES["grid"]().fit(*iris)
    (parent,) = top_runs()
    assert "cv_results.csv" in artifacts(parent)
    with Path(steno.Client().download_artifacts(parent.info.run_id, "cv_results.csv")).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["mean_test_score"]) for row in rows] == list(search.cv_results_["mean_test_score"])


class Choosy(ClassifierMixin, BaseEstimator):
    """Cannot be fitted with `bad=True`."""

    def __init__(self, bad=False):
        self.bad = bad

    def fit(self, X, y):
        if self.bad:
            raise ValueError("bad luck")
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


def test_a_candidate_that_cannot_be_fitted_is_a_failed_child(autolog, iris):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn says that fits failed
        GridSearchCV(Choosy(), {"bad": [False, True]}, cv=3).fit(*iris)
    (parent,) = top_runs()
    good, bad = children_of(parent)
    assert (good.info.status, bad.info.status, parent.info.status) == ("FINISHED", "FAILED", "FINISHED")
    assert "bad luck" in bad.data.tags["steno.error"]
    assert np.isnan(bad.data.metrics["mean_test_score"])


def test_a_search_that_fails_is_a_failed_run(autolog, iris):
    with pytest.raises(ValueError, match="bad luck"):
        GridSearchCV(Choosy(), {"bad": [True]}, cv=3, error_score="raise").fit(*iris)
    (parent,) = top_runs()
    assert (parent.info.status, children_of(parent)) == ("FAILED", [])


@pytest.mark.parametrize(("most", "count"), [(2, 2), (0, 0), (None, 6), (99, 6)])
def test_only_the_best_are_kept_where_that_is_asked_for(autolog, iris, most, count):
    autolog(max_tuning_runs=most)
    search = SEARCHES["grid"]().fit(*iris)
    (parent,) = top_runs()
    children = children_of(parent)
    assert len(children) == count
    best = sorted(search.cv_results_["rank_test_score"])[:count]
    assert sorted(child.data.metrics["rank_test_score"] for child in children) == best


def test_in_a_run_of_the_users_the_candidates_are_its_children(autolog, iris):
    with steno.start_run(run_name="mine"):
        SEARCHES["grid"]().fit(*iris)
    (parent,) = top_runs()
    assert parent.info.run_name == "mine"
    assert len(children_of(parent)) == 6


def test_where_folds_are_not_shown_their_scores_still_are(iris):
    search = SEARCHES["grid"]().fit(*iris)
    children = searches.children(search, search.cv_results_, [], 1, None)
    assert [child.change.status for child in children] == ["FINISHED"] * 6
    for index, child in enumerate(children):
        assert child.series["split2_test_score"].values[0] == search.cv_results_["split2_test_score"][index]
        assert "fit_time" not in child.series
