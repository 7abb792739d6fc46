"""The training metrics, under MLflow's names: how well a model does on what it was trained on."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
from msgspec import Struct, field
from sklearn.base import ClassifierMixin, RegressorMixin, is_classifier, is_regressor

from steno_sklearn import scores
from steno_sklearn.data import Data
from steno_sklearn.sampling import FIRST_SAMPLE, SCORING_MS, Predictions, predict_within

PREFIX = "training_"


class Ranking(Struct):
    """What the curves of a two-class model are drawn from.

    Attributes:
        false, true: False and true positives at or above each threshold, ascending.
    """

    false: Any
    true: Any
    thresholds: Any


class Training(Struct):
    """What was found.

    Attributes:
        values: Metrics by name, without the prefix.
        predictions: What they are of; None if nothing was predicted.
        classes: The classes of `matrix`.
        matrix: The confusion matrix.
    """

    values: dict[str, float] = field(default_factory=dict)
    predictions: Predictions | None = None
    classes: Any = None
    matrix: Any = None
    ranking: Ranking | None = None


def evaluate(model: Any, data: Data, allowed_ms: float, pos_label: Any = None) -> Training:
    """Score a fitted model on its training data.

    Args:
        model: A fitted estimator.
        data: What it was fitted with.
        allowed_ms: Time there is for it; a sample is scored where all would take longer.
        pos_label: The class of interest of a two-class model; default the average of both.

    What a model or its data do not allow is left out.
    """
    if data.y is None or not data.rows:
        return Training()
    classifies = is_classifier(model)
    if not (classifies or is_regressor(model)) or not hasattr(model, "predict"):
        return Training(_own_score(model, data) if _score_fits(model, data, allowed_ms) else {})
    probabilities = classifies and hasattr(model, "predict_proba")
    predictions = predict_within(allowed_ms, model, data, probabilities=probabilities)
    if predictions is None:
        return Training()
    found = Training(predictions=predictions)
    if classifies:
        _classification(found, model, allowed_ms, pos_label)
    else:
        _regression(found)
    _add_score(found, model, allowed_ms, "accuracy_score" if classifies else "r2_score")
    return found


def _classification(found: Training, model: Any, allowed_ms: float, pos_label: Any) -> None:
    predictions = found.predictions
    assert predictions is not None
    classes = getattr(model, "classes_", None)
    coded = _codes(classes, predictions)
    if coded is None:
        return _by_functions(found.values, predictions, classes, pos_label)
    true, labels = coded
    assert classes is not None
    weights, given = _weights(predictions), predictions.probabilities
    found.classes, found.matrix = classes, scores.confusion(true, labels, len(classes), weights)
    positive = _position(classes, pos_label)
    precision, recall, f1 = scores.precision_recall_f1(found.matrix, positive)
    found.values |= {"precision_score": precision, "recall_score": recall, "f1_score": f1}
    found.values["accuracy_score"] = scores.accuracy(found.matrix)
    if given is None or np.shape(given) != (len(true), len(classes)):
        return None
    found.values["log_loss"] = scores.log_loss(true, given, weights)
    if len(classes) == 2:
        found.ranking = Ranking(*scores.ranking(true == 1, given[:, 1], weights))
        _add(found.values, "roc_auc", scores.area(found.ranking.false, found.ranking.true))
    # As scikit-learn, only where each class is there and no sample has a weight.
    elif weights is None and found.matrix.sum(axis=1).all() and given.size * SCORING_MS < allowed_ms:
        found.values["roc_auc"] = scores.roc_auc_one_vs_one(true, given)
    return None


def _codes(classes: Any, predictions: Predictions) -> tuple[scores.Codes, scores.Codes] | None:
    """Return true and predicted classes as indices; None for anything but plain classification."""
    if not isinstance(classes, np.ndarray) or classes.ndim != 1 or len(classes) < 2:
        return None
    try:
        true, labels = scores.encode(predictions.data.y, classes), scores.encode(predictions.labels, classes)
    except (TypeError, ValueError):  # labels of kinds that do not compare
        return None
    return None if true is None or labels is None else (true, labels)


def _by_functions(values: dict[str, float], predictions: Predictions, classes: Any, pos_label: Any) -> None:
    """Ask scikit-learn itself: several targets, several labels a sample, classes that are no plain values."""
    from sklearn import metrics as sklearn_metrics  # not before it is needed: that takes 0.1 s

    average: dict[str, Any] = {"average": "weighted", "zero_division": 0}
    if pos_label is not None:
        average = {"average": "binary", "pos_label": pos_label, "zero_division": 0}
    true, labels = predictions.data.y, predictions.labels
    weights = {"sample_weight": predictions.data.weights}
    for name in ("precision_score", "recall_score", "f1_score"):
        _try(values, name, partial(getattr(sklearn_metrics, name), true, labels, **average, **weights))
    _try(values, "accuracy_score", partial(sklearn_metrics.accuracy_score, true, labels, **weights))
    given = predictions.probabilities
    if given is not None and not isinstance(given, list):
        _try(values, "log_loss", partial(sklearn_metrics.log_loss, true, given, **weights))
        ranked = partial(sklearn_metrics.roc_auc_score, average="weighted", multi_class="ovo", **weights)
        _try(values, "roc_auc", partial(ranked, true, given))


def _regression(found: Training) -> None:
    predictions = found.predictions
    assert predictions is not None
    values = scores.regression(predictions.data.y, predictions.labels, _weights(predictions))
    for name, value in values.items():
        _add(found.values, name, value)


def _add_score(found: Training, model: Any, allowed_ms: float, same_as: str) -> None:
    """Add the model's own score, without asking where it is a metric that is there already."""
    predictions = found.predictions
    assert predictions is not None
    if _scores_by_default(model) and same_as in found.values:
        found.values["score"] = found.values[same_as]
    elif predictions.took_ms < allowed_ms:
        found.values |= _own_score(model, predictions.data)


def _score_fits(model: Any, data: Data, allowed_ms: float) -> bool:
    """Whether the model's own score of all samples should fit, judged by some."""
    if allowed_ms == float("inf") or data.rows <= FIRST_SAMPLE or not hasattr(model, "score"):
        return True
    if not data.thins:
        return False
    part = data.every(data.rows // FIRST_SAMPLE)
    began = perf_counter()
    _own_score(model, part)
    return (perf_counter() - began) * 1000.0 * data.rows / part.rows < allowed_ms


def _scores_by_default(model: Any) -> bool:
    last = model
    while hasattr(last, "steps") or hasattr(last, "scorer_"):
        if hasattr(last, "scorer_"):  # a search
            if getattr(last, "scoring", None) is not None:
                return False
            last = last.best_estimator_
        else:  # a pipeline
            last = last.steps[-1][1]
    return getattr(type(last), "score", None) in (ClassifierMixin.score, RegressorMixin.score)


def _own_score(model: Any, data: Data) -> dict[str, float]:
    score, values = getattr(model, "score", None), dict[str, float]()
    if score is not None:
        takes_weights = data.weights is not None and "sample_weight" in inspect.signature(score).parameters
        weights = {"sample_weight": data.weights} if takes_weights else {}
        _try(values, "score", lambda: score(data.X, data.y, **weights))
    return values


def _try(values: dict[str, float], name: str, score: Callable[[], Any]) -> None:
    try:
        _add(values, name, float(score()))
    except Exception:  # advice: a score that this model or its data do not have is left out
        return


def _add(values: dict[str, float], name: str, value: float) -> None:
    if value == value:
        values[name] = value


def _weights(predictions: Predictions) -> Any:
    given = predictions.data.weights
    return None if given is None else np.asarray(given, dtype=np.float64)


def _position(classes: Any, pos_label: Any) -> int | None:
    if pos_label is None or len(classes) != 2:
        return None
    return next((index for index, label in enumerate(classes.tolist()) if label == pos_label), None)
