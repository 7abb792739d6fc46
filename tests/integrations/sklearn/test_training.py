"""What a fit leaves on its run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import steno
from scipy import sparse
from sklearn import metrics
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from steno_sklearn import plots

from .conftest import all_runs, artifacts, only_run

EXACT = "steno.training_metrics"


def expected_classifier(model: Any, X: Any, y: Any, weights: Any = None) -> dict[str, float]:
    predicted, given = model.predict(X), model.predict_proba(X)
    average: dict[str, Any] = {"average": "weighted", "sample_weight": weights, "zero_division": 0}
    two = given.shape[1] == 2
    found = {
        "precision_score": metrics.precision_score(y, predicted, **average),
        "recall_score": metrics.recall_score(y, predicted, **average),
        "f1_score": metrics.f1_score(y, predicted, **average),
        "accuracy_score": metrics.accuracy_score(y, predicted, sample_weight=weights),
        "log_loss": metrics.log_loss(y, given, sample_weight=weights),
        "score": model.score(X, y, sample_weight=weights),
    }
    if two:
        found["roc_auc"] = metrics.roc_auc_score(y, given[:, 1], sample_weight=weights)
    elif weights is None:
        found["roc_auc"] = metrics.roc_auc_score(y, given, multi_class="ovo", average="weighted")
    return {f"training_{name}": float(value) for name, value in found.items()}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("names", [None, ["yes", "no", "maybe"]])
@pytest.mark.parametrize("classes", [2, 3])
def test_a_classifier_has_mlflows_metrics_exactly(autolog, iris, classes, names, weighted):
    autolog(training_metrics="full")
    X, y = iris
    X, y = X[y < classes], y[y < classes]
    y = np.array(names)[y] if names else y
    weights = np.linspace(0.5, 2, len(y)) if weighted else None
    model = DecisionTreeClassifier(max_depth=2).fit(X, y, sample_weight=weights)
    steno.autolog(disable=True)
    expected = expected_classifier(model, X, y, weights)
    found = only_run().data.metrics
    assert found.keys() == expected.keys()
    assert found == pytest.approx(expected, abs=1e-12)


def test_a_regressor_has_mlflows_metrics_exactly(autolog):
    autolog(training_metrics="full")
    X = np.random.default_rng(0).normal(size=(100, 3))
    y = X.sum(axis=1) ** 2
    model = LinearRegression().fit(X, y)
    steno.autolog(disable=True)
    predicted = model.predict(X)
    assert only_run().data.metrics == pytest.approx(
        {
            "training_mean_squared_error": metrics.mean_squared_error(y, predicted),
            "training_mean_absolute_error": metrics.mean_absolute_error(y, predicted),
            "training_r2_score": metrics.r2_score(y, predicted),
            "training_root_mean_squared_error": metrics.mean_squared_error(y, predicted) ** 0.5,
            "training_score": model.score(X, y),
        },
        abs=1e-12,
    )


def test_several_targets_are_scored_by_scikit_learn_itself(autolog):
    autolog(training_metrics="full")
    X = np.random.default_rng(0).normal(size=(60, 3))
    Y = (X[:, :2] > 0).astype(int)
    MultiOutputClassifier(LogisticRegression()).fit(X, Y)
    assert only_run().data.metrics["training_accuracy_score"] > 0.8


def test_params_and_tags_are_those_of_mlflow(autolog, iris):
    Pipeline([("scale", StandardScaler()), ("model", LogisticRegression(C=0.5, max_iter=400))]).fit(*iris)
    run = only_run()
    assert run.info.run_name == run.data.tags["estimator_name"] == "Pipeline"
    assert run.data.tags["estimator_class"] == "sklearn.pipeline.Pipeline"
    assert run.data.tags["mlflow.autologging"] == "sklearn"
    assert run.data.params["model__C"] == "0.5"
    assert run.data.params["model"] == "LogisticRegression(C=0.5, max_iter=400)"
    assert run.info.status == "FINISHED"


def test_a_clusterer_is_scored_only_where_it_was_given_targets(autolog, iris):
    X, y = iris
    KMeans(3, n_init=1, random_state=0).fit(X)
    model = KMeans(3, n_init=1, random_state=0).fit(X, y)
    without, with_targets = all_runs()
    assert without.data.metrics == {}
    assert with_targets.data.metrics == {"training_score": pytest.approx(model.score(X, y))}


def test_the_data_is_described_as_the_training_set(autolog, iris):
    X, y = iris
    frame = pd.DataFrame(X, columns=list("abcd"))
    DecisionTreeClassifier().fit(frame, y)
    (used,) = only_run().inputs.dataset_inputs
    assert [(tag.key, tag.value) for tag in used.tags] == [("mlflow.data.context", "train")]
    assert [column["name"] for column in json.loads(used.dataset.schema)["mlflow_colspec"]] == list("abcd")


def test_curves_are_kept_as_data_and_drawn_on_demand(autolog, cancer):
    RandomForestClassifier(5, random_state=0).fit(*cancer)
    run = only_run()
    names = {f"training_{name}.json" for name in ("confusion_matrix", "roc_curve", "precision_recall_curve")}
    names.add("feature_importances.json")
    assert artifacts(run) == {*names, "estimator.html"}
    for name in names:
        assert plots.plot(run.info.run_id, name).startswith(b"\x89PNG")
    matrix = json.loads(
        Path(steno.Client().download_artifacts(run.info.run_id, "training_confusion_matrix.json")).read_text()
    )
    assert np.sum(matrix["matrix"]) == len(cancer[1])


def test_only_known_artifacts_are_drawn(tracking):
    with pytest.raises(steno.errors.InvalidValue, match=r"training_roc_curve\.json"):
        plots.plot("0" * 32, "notes.txt")


def test_importances_name_the_features(autolog, cancer):
    X, y = cancer
    frame = pd.DataFrame(X).add_prefix("c")
    model = RandomForestRegressor(5, random_state=0).fit(frame, y)
    path = steno.Client().download_artifacts(only_run().info.run_id, "feature_importances.json")
    found = json.loads(Path(path).read_text())
    best = int(np.argmax(model.feature_importances_))
    assert found["features"][0] == f"c{best}"
    assert found["importances"][0] == pytest.approx(model.feature_importances_[best])


def test_large_data_is_scored_on_a_marked_sample(autolog, monkeypatch):
    monkeypatch.setenv("STENO_OVERHEAD_FLOOR_MS", "5")
    autolog()
    random = np.random.default_rng(0)
    X = random.normal(size=(20_000, 30))
    KNeighborsClassifier().fit(X, X[:, 0] > 0)
    run = only_run()
    assert run.data.tags[EXACT].startswith("sampled ")
    assert run.data.tags[EXACT].endswith(" of 20000")
    assert 0.5 < run.data.metrics["training_accuracy_score"] <= 1


def test_full_training_metrics_take_the_time_they_need(autolog):
    autolog(training_metrics="full")
    X = np.random.default_rng(0).normal(size=(3000, 5))
    KNeighborsClassifier().fit(X, X[:, 0] > 0)
    assert only_run().data.tags[EXACT] == "exact"


def test_training_metrics_can_be_left_out(autolog, iris):
    autolog(training_metrics=False)
    DecisionTreeClassifier().fit(*iris)
    assert only_run().data.metrics == {}


def test_one_class_of_interest_can_be_named(autolog, cancer):
    X, y = cancer
    autolog(training_metrics="full", pos_label=0)
    model = DecisionTreeClassifier(max_depth=2).fit(X, y)
    steno.autolog(disable=True)
    expected = metrics.precision_score(y, model.predict(X), pos_label=0)
    assert only_run().data.metrics["training_precision_score"] == pytest.approx(expected, abs=1e-12)


def test_sparse_data_stays_sparse(autolog):
    X = sparse.random(500, 100_000, density=1e-4, format="csr", random_state=0)
    y = np.arange(500) % 2
    LogisticRegression().fit(X, y)
    run = only_run()
    assert run.data.tags[EXACT] == "exact"
    assert json.loads(run.inputs.dataset_inputs[0].dataset.profile)["features_nnz"] == X.nnz


def test_no_random_number_is_drawn_and_no_warning_shown(autolog, iris):
    X, y = iris
    np.random.seed(7)
    DummyClassifier(strategy="stratified").fit(X, y)
    assert "training_accuracy_score" in only_run().data.metrics
    watched = np.random.random()
    np.random.seed(7)
    assert watched == np.random.random()


def test_preparing_data_is_no_training(autolog, iris):
    StandardScaler().fit_transform(iris[0])
    from sklearn.compose import ColumnTransformer
    from sklearn.feature_selection import SelectFromModel
    from sklearn.pipeline import FeatureUnion

    SelectFromModel(DecisionTreeClassifier()).fit(*iris)
    FeatureUnion([("a", PCA(2)), ("b", PCA(1))]).fit(*iris)
    ColumnTransformer([("a", PCA(1), [0, 1])]).fit(*iris)
    assert all_runs() == []


def test_an_estimator_of_the_users_own_is_recorded(autolog, iris):
    class Majority(ClassifierMixin, BaseEstimator):
        def __init__(self, bias=1):
            self.bias = bias

        def fit(self, X, y):
            self.classes_, counts = np.unique(y, return_counts=True)
            self.most_ = self.classes_[counts.argmax()]
            return self

        def predict(self, X):
            return np.full(len(X), self.most_)

    Majority(bias=3).fit(*iris)
    run = only_run()
    assert (run.info.run_name, run.data.params) == ("Majority", {"bias": "3"})
    assert run.data.metrics["training_accuracy_score"] == pytest.approx(1 / 3)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_model_that_tells_of_its_progress_is_not_heard_once_more(autolog, iris, capfd, jobs):
    autolog(disable=True)
    model = RandomForestClassifier(4, verbose=1, n_jobs=jobs, random_state=0)
    said = []
    for disable in (True, False):
        autolog(disable=disable)
        model.fit(*iris)
        said.append([line.partition("elapsed")[0] for line in capfd.readouterr().err.splitlines()])
    assert said[0] == said[1] != []
    assert "training_accuracy_score" in only_run().data.metrics


class Earlier(RegressorMixin, BaseEstimator):
    """Defined before anything is watched."""

    def fit(self, X, y):
        self.inner_ = LinearRegression().fit(X, y)
        return self

    def predict(self, X):
        return self.inner_.predict(X)


class Later(Earlier):
    """Calls its parent's fit."""

    def fit(self, X, y):
        return super().fit(X, y)


@pytest.mark.parametrize("cls", [Earlier, Later])
def test_an_estimator_defined_before_is_recorded_once(autolog, iris, cls):
    cls().fit(*iris)
    assert only_run().info.run_name == cls.__name__


def test_a_subclass_of_scikit_learns_is_recorded_once(autolog, iris):
    class Mine(RandomForestClassifier):
        def fit(self, X, y, sample_weight=None):
            return super().fit(X, y, sample_weight)

    Mine(n_estimators=3).fit(*iris)
    assert only_run().info.run_name == "Mine"


def test_fit_predict_and_fit_transform_are_trainings(autolog, iris):
    KMeans(2, n_init=1, random_state=0).fit_predict(iris[0])
    PCA(2).fit_transform(iris[0])
    assert [run.info.run_name for run in all_runs()] == ["KMeans", "PCA"]


def test_a_transformer_of_the_users_own_inside_a_pipeline_makes_no_run(autolog, iris):
    class Double(TransformerMixin, BaseEstimator):
        def fit(self, X, y=None):
            return self

        def transform(self, X):
            return 2 * X

    make_pipeline(Double(), DecisionTreeClassifier()).fit(*iris)
    assert only_run().info.run_name == "Pipeline"


def test_a_model_without_probabilities_has_the_other_metrics(autolog, iris):
    autolog(training_metrics="full")
    SVC().fit(*iris)
    found = only_run().data.metrics
    assert "training_log_loss" not in found
    assert found["training_score"] == found["training_accuracy_score"]


def test_a_failed_fit_keeps_its_params_and_its_error(autolog, iris):
    X, y = iris
    with pytest.raises(ValueError, match="NaN"):
        LogisticRegression(C=3).fit(np.full_like(X, np.nan), y)
    run = only_run()
    assert (run.info.status, run.data.params["C"], run.data.metrics) == ("FAILED", "3", {})
    assert "ValueError" in run.data.tags["steno.error"]
