"""Metrics that the user computes later lead to the run that trained the model, or nowhere."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
import steno
from sklearn import metrics
from sklearn.cluster import KMeans
from sklearn.linear_model import LinearRegression
from sklearn.metrics import accuracy_score, f1_score, mean_squared_error
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeClassifier

from .conftest import all_runs, only_run


@pytest.fixture
def trained(autolog, iris):
    autolog(training_metrics=False)
    return DecisionTreeClassifier(max_depth=1, random_state=0).fit(*iris)


def test_a_metric_of_a_prediction_goes_to_the_models_run(trained, iris):
    X_test, y_test = iris
    predicted = trained.predict(X_test)
    first = accuracy_score(y_test, predicted)
    accuracy_score(y_test[:50], predicted[:50])
    weighted = f1_score(y_test, predicted, average="weighted")
    found = only_run().data.metrics
    assert found == {
        "accuracy_score_X_test": first,
        "accuracy_score-2_X_test": 1.0,
        "f1_score_X_test": weighted,
    }


def test_score_is_named_after_the_class_and_its_data(trained, iris):
    held_out, y = iris
    value = trained.score(held_out, y)
    assert only_run().data.metrics == {"DecisionTreeClassifier_score_held_out": value}


def test_the_users_calls_are_kept_as_text(trained, iris):
    X_test, y_test = iris
    predicted = trained.predict(X_test)
    accuracy_score(y_test, predicted)
    f1_score(
        y_test,
        predicted, average="macro",
    )  # fmt: skip
    path = steno.Client().download_artifacts(only_run().info.run_id, "metric_info.json")
    assert json.loads(Path(path).read_text()) == {
        "accuracy_score_X_test": "accuracy_score(y_test, predicted)",
        "f1_score_X_test": 'f1_score( y_test, predicted, average="macro", )',
    }


def test_the_data_of_a_metric_is_described(trained, iris):
    X_test, y_test = iris
    accuracy_score(y_test, trained.predict(X_test))
    used = {item.dataset.name: item.tags[0].value for item in only_run().inputs.dataset_inputs}
    assert used == {"dataset": "train", "X_test": "eval"}


def test_each_model_has_its_own_metrics(autolog, iris):
    X, y = iris
    one, other = (DecisionTreeClassifier(max_depth=depth).fit(X, y) for depth in (1, 5))
    predicted = {"other": other.predict(X), "one": one.predict(X)}
    values = {name: accuracy_score(y, each) for name, each in predicted.items()}
    first, second = all_runs()
    assert first.data.metrics["accuracy_score_X"] == values["one"]
    assert second.data.metrics["accuracy_score_X"] == values["other"]


def test_what_no_model_made_is_nowhere(trained, iris):
    X, y = iris
    accuracy_score(y, trained.predict(X).copy())
    accuracy_score(y, [0] * len(y))
    assert only_run().data.metrics == {}


def test_what_no_model_made_goes_to_the_users_active_run(autolog):
    y_true = [0, 1, 1]
    with steno.start_run():
        mean_squared_error(y_true, [0, 1, 0])
    assert only_run().data.metrics == {"mean_squared_error_y_true": pytest.approx(1 / 3)}


def test_a_model_trained_in_the_users_run_is_evaluated_there(autolog, iris):
    X, y = iris
    with steno.start_run():
        model = LinearRegression().fit(X, y)
    model.score(X, y)
    assert "LinearRegression_score_X" in only_run().data.metrics


def test_a_search_and_its_best_estimator_share_a_run(autolog, iris):
    X, y = iris
    search = GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1, 2]}, cv=2).fit(X, y)
    accuracy_score(y, search.predict(X))
    accuracy_score(y, search.best_estimator_.predict(X))
    parent = next(run for run in all_runs() if run.info.run_name == "GridSearchCV")
    assert {"accuracy_score_X", "accuracy_score-2_X"} <= parent.data.metrics.keys()


def test_labels_of_a_clustering_lead_to_it(autolog, iris):
    X, y = iris
    model = KMeans(3, n_init=1, random_state=0).fit(X)
    metrics.adjusted_rand_score(y, model.labels_)
    metrics.silhouette_score(X, KMeans(2, n_init=1, random_state=0).fit_predict(X))
    first, second = all_runs()
    assert set(first.data.metrics) == {"adjusted_rand_score_y"}
    assert set(second.data.metrics) == {"silhouette_score_X"}


def test_results_that_are_no_number_are_left_alone(trained, iris):
    X, y = iris
    predicted = trained.predict(X)
    assert metrics.confusion_matrix(y, predicted).shape == (3, 3)
    metrics.classification_report(y, predicted, zero_division=0)
    metrics.precision_recall_fscore_support(y, predicted, zero_division=0)
    assert only_run().data.metrics == {}


def test_a_copy_of_a_model_is_another_model(trained, iris):
    X, y = iris
    pickle.loads(pickle.dumps(trained)).score(X, y)
    assert only_run().data.metrics == {}


def test_names_imported_before_are_seen_too(trained, iris):
    X, y = iris
    scorers = {"acc": accuracy_score}
    value = scorers["acc"](y, trained.predict(X))
    assert only_run().data.metrics == {"accuracy_score_X": value}


def test_it_can_be_switched_off(autolog, iris):
    X, y = iris
    autolog(training_metrics=False, log_post_training_metrics=False)
    model = DecisionTreeClassifier().fit(X, y)
    model.score(X, y)
    accuracy_score(y, model.predict(X))
    assert only_run().data.metrics == {}
