"""Cross-validation is one run, with every fold."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import model_selection
from sklearn.metrics import accuracy_score
from sklearn.tree import DecisionTreeClassifier

from .conftest import history, only_run

TREE = DecisionTreeClassifier(max_depth=2, random_state=0)


def test_cross_validate_keeps_every_fold(autolog, iris):
    result = model_selection.cross_validate(
        TREE, *iris, cv=4, scoring=["accuracy", "f1_macro"], return_train_score=True
    )
    run = only_run()
    assert run.info.run_name == "cross_validate"
    assert run.data.tags["estimator_name"] == "DecisionTreeClassifier"
    assert run.data.params["cross_validate__cv"] == "4"
    for name, values in result.items():
        assert history(run, name) == list(enumerate(values)), name
        assert run.data.metrics[f"mean_{name}"] == pytest.approx(np.mean(values), abs=1e-12)
        assert run.data.metrics[f"std_{name}"] == pytest.approx(np.std(values), abs=1e-12)


@pytest.mark.parametrize("jobs", [None, 2])
def test_cross_val_score_is_recorded_once_with_its_times(autolog, iris, jobs):
    scores = model_selection.cross_val_score(TREE, *iris, cv=3, n_jobs=jobs)
    run = only_run()
    assert run.info.run_name == "cross_val_score"
    assert history(run, "test_score") == list(enumerate(scores))
    assert [step for step, _ in history(run, "fit_time")] == [0, 1, 2]


def test_predictions_out_of_fold_lead_to_their_run(autolog, iris):
    X, y = iris
    predicted = model_selection.cross_val_predict(TREE, X, y, cv=3)
    value = accuracy_score(y, predicted)
    assert only_run().data.metrics == {"accuracy_score_y": value}


def test_a_learning_curve_has_the_training_size_as_step(autolog, iris):
    sizes, train, test = model_selection.learning_curve(
        TREE, *iris, cv=3, train_sizes=[0.5, 1.0], shuffle=True, random_state=0
    )
    run = only_run()
    assert history(run, "mean_test_score") == list(zip(sizes.tolist(), test.mean(axis=1), strict=True))
    assert history(run, "split2_train_score") == list(zip(sizes.tolist(), train[:, 2], strict=True))


def test_a_validation_curve_has_one_step_per_value(autolog, iris):
    _, test = model_selection.validation_curve(TREE, *iris, param_name="max_depth", param_range=[1, 2, 3], cv=3)
    run = only_run()
    assert run.data.params["validation_curve__param_range"] == "[1, 2, 3]"
    assert history(run, "mean_test_score") == list(enumerate(test.mean(axis=1)))


def test_a_permutation_test_has_its_p_value(autolog, iris):
    score, permuted, pvalue = model_selection.permutation_test_score(
        TREE, *iris, cv=3, n_permutations=4, random_state=0
    )
    run = only_run()
    assert (run.data.metrics["score"], run.data.metrics["pvalue"]) == (score, pvalue)
    assert history(run, "permutation_score") == list(enumerate(permuted))


def test_a_validation_of_a_search_is_one_run(autolog, iris):
    search = model_selection.GridSearchCV(TREE, {"max_depth": [1, 2]}, cv=2)
    model_selection.cross_validate(search, *iris, cv=2)
    assert only_run().info.run_name == "cross_validate"


def test_cross_validation_inside_a_fit_belongs_to_the_fit(autolog, iris):
    class Tuned(DecisionTreeClassifier):
        def fit(self, X, y):
            self.score_ = model_selection.cross_val_score(DecisionTreeClassifier(), X, y, cv=2).mean()
            return super().fit(X, y)

    Tuned().fit(*iris)
    run = only_run()
    assert run.info.run_name == "Tuned"
    assert "test_score" not in run.data.metrics
