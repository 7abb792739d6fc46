"""The formulas give what scikit-learn's own functions give."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn import metrics
from steno_sklearn import scores

CLASSES = (["b", "c", "d", "e"], [-1, 2, 5, 9], [0.0, 1.0, 2.0, 7.0], [False, True])


@st.composite
def classifications(draw: st.DrawFn) -> tuple[Any, Any, Any, Any, Any]:
    """(classes, true, predicted, probabilities, weights), each class among the true ones."""
    names = draw(st.sampled_from(CLASSES))
    classes = np.array(names[: draw(st.integers(2, len(names)))])
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(len(classes), 60))
    true = np.concatenate([np.arange(len(classes)), random.integers(0, len(classes), count - len(classes))])
    random.shuffle(true)
    predicted = random.integers(0, len(classes), count)
    given = random.random((count, len(classes))).round(draw(st.sampled_from([1, 2, 12]))) + 0.01  # ties, at one digit
    given = (given / given.sum(axis=1, keepdims=True)).astype(draw(st.sampled_from([np.float64, np.float32])))
    weights = random.random(count) + 0.01 if draw(st.booleans()) else None
    return classes, classes[true], classes[predicted], given, weights


@given(classifications())
@settings(max_examples=200)
def test_classification_scores_are_those_of_scikit_learn(case):
    classes, true, predicted, given_, weights = case
    codes, guessed = scores.encode(true, classes), scores.encode(predicted, classes)
    matrix = scores.confusion(codes, guessed, len(classes), weights)

    expected = metrics.precision_recall_fscore_support(
        true, predicted, average="weighted", sample_weight=weights, zero_division=0
    )
    assert scores.precision_recall_f1(matrix) == pytest.approx(expected[:3], abs=1e-12)
    assert matrix == pytest.approx(metrics.confusion_matrix(true, predicted, sample_weight=weights), abs=1e-12)
    assert scores.accuracy(matrix) == pytest.approx(
        metrics.accuracy_score(true, predicted, sample_weight=weights), abs=1e-12
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # float32 rows do not sum to exactly one
        expected_loss = metrics.log_loss(true, given_, sample_weight=weights, labels=classes)
    # Releases differ in whether the logarithms of float32 are summed as such.
    exact = 1e-12 if given_.dtype == np.float64 else 1e-5
    assert scores.log_loss(codes, given_, weights) == pytest.approx(expected_loss, abs=exact)


@given(classifications())
@settings(max_examples=200)
def test_the_area_under_the_curve_is_that_of_scikit_learn(case):
    classes, true, _, given_, weights = case
    codes = scores.encode(true, classes)
    if len(classes) == 2:
        expected = metrics.roc_auc_score(true, given_[:, 1], sample_weight=weights)
        assert scores.roc_auc(codes == 1, given_[:, 1], weights) == pytest.approx(expected, abs=1e-12)
    else:
        assume(given_.dtype == np.float64)
        expected = metrics.roc_auc_score(true, given_, multi_class="ovo", average="weighted")
        assert scores.roc_auc_one_vs_one(codes, given_) == pytest.approx(expected, abs=1e-12)


@given(classifications(), st.integers(0, 1))
@settings(max_examples=60)
def test_scores_of_one_class_are_those_of_scikit_learn(case, positive):
    classes, true, predicted, _, weights = case
    assume(len(classes) == 2)
    matrix = scores.confusion(scores.encode(true, classes), scores.encode(predicted, classes), 2, weights)
    expected = metrics.precision_recall_fscore_support(
        true, predicted, average="binary", pos_label=classes[positive], sample_weight=weights, zero_division=0
    )
    assert scores.precision_recall_f1(matrix, positive) == pytest.approx(expected[:3], abs=1e-12)


@given(st.integers(2, 60), st.integers(1, 3), st.booleans(), st.booleans(), st.integers(0, 2**32 - 1))
@settings(max_examples=200)
def test_regression_scores_are_those_of_scikit_learn(count, outputs, weighted, constant, seed):
    random = np.random.default_rng(seed)
    true = np.zeros((count, outputs)) if constant else random.normal(size=(count, outputs))
    predicted = true + random.normal(size=true.shape)
    weights = random.random(count) + 0.01 if weighted else None
    if outputs == 1:
        true, predicted = true.ravel(), predicted.ravel()
    for name, value in scores.regression(true, predicted, weights).items():
        if hasattr(metrics, name):  # the root is a function of its own from 1.4 on
            expected = getattr(metrics, name)(true, predicted, sample_weight=weights)
            assert value == pytest.approx(expected, abs=1e-12), name


def test_labels_that_are_no_class_of_the_model_are_not_encoded():
    classes = np.array(["a", "c"])
    assert scores.encode(["a", "b"], classes) is None
    assert scores.encode([], classes) is None
    assert scores.encode([["a", "c"]], classes) is None
    assert scores.encode(np.array([["c"], ["a"]]), classes).tolist() == [1, 0]


def test_one_class_alone_has_no_area():
    assert np.isnan(scores.roc_auc(np.array([True, True]), np.array([0.1, 0.2])))
