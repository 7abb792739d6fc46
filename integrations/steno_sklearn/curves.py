"""Confusion matrix, ROC and precision-recall curve as data; `plots` draws them when someone looks."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from steno_sklearn.metrics import Ranking, Training

CONFUSION_MATRIX = "training_confusion_matrix.json"
ROC_CURVE = "training_roc_curve.json"
PRECISION_RECALL_CURVE = "training_precision_recall_curve.json"
MOST_CLASSES = 200
_POINTS = 300
_DIGITS = 7


def files(training: Training) -> dict[str, bytes]:
    """Return the artifacts that a classifier's training gives, by path."""
    if training.matrix is None or training.predictions is None or len(training.classes) > MOST_CLASSES:
        return {}
    rows = {"samples": training.predictions.data.rows}
    found = {CONFUSION_MATRIX: {"classes": training.classes.tolist(), "matrix": training.matrix.tolist(), **rows}}
    ranking = training.ranking
    if ranking is not None and ranking.true[-1] and ranking.false[-1]:
        found[ROC_CURVE] = {**_roc(ranking), "auc": training.values.get("roc_auc"), **rows}
        found[PRECISION_RECALL_CURVE] = {**_precision_recall(ranking), **rows}
    return {path: json.dumps(content, default=str).encode() for path, content in found.items()}


def _roc(ranking: Ranking) -> dict[str, Any]:
    at = _spread(len(ranking.true))
    false, true = ranking.false[at] / ranking.false[-1], ranking.true[at] / ranking.true[-1]
    return {
        "false_positive_rate": [0.0, *_short(false)],
        "true_positive_rate": [0.0, *_short(true)],
        "thresholds": [None, *_short(ranking.thresholds[at])],
    }


def _precision_recall(ranking: Ranking) -> dict[str, Any]:
    at = _spread(len(ranking.true))
    true, false = ranking.true[at], ranking.false[at]
    both = true + false
    precision = np.divide(true, both, out=np.ones_like(true), where=both > 0)
    return {
        "precision": [1.0, *_short(precision)],
        "recall": [0.0, *_short(true / ranking.true[-1])],
        "thresholds": [None, *_short(ranking.thresholds[at])],
    }


def _spread(count: int) -> Any:
    """At most 300 points, the first and the last among them."""
    return np.arange(count) if count <= _POINTS else np.linspace(0, count - 1, _POINTS).round().astype(int)


def _short(values: Any) -> list[float]:
    rounded: list[float] = np.round(values.astype(np.float64), _DIGITS).tolist()
    return rounded
