"""scikit-learn's scores by formula: the same numbers to 1e-12, at a small part of the time.

Its functions check their input anew for each score, which costs more than a small fit.
Source: the definitions in scikit-learn's user guide, "Metrics and scoring"; tests compare with its functions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Codes = NDArray[np.intp]


def encode(labels: Any, classes: Any) -> Codes | None:
    """Return the index of each label in the sorted `classes`; None if one is not among them or is no scalar."""
    labels = np.asarray(labels)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels.ravel()
    if labels.ndim != 1 or not len(labels):
        return None
    codes = np.searchsorted(classes, labels).clip(max=len(classes) - 1)
    found: NDArray[np.bool_] = np.asarray(classes)[codes] == labels
    return codes if isinstance(found, np.ndarray) and bool(found.all()) else None


def confusion(true: Codes, predicted: Codes, count: int, weights: Floats | None = None) -> Floats:
    """Return the (count, count) matrix of true classes by predicted ones, in samples or their weights."""
    cells = np.bincount(true * count + predicted, weights=weights, minlength=count * count)
    return cells.reshape(count, count).astype(np.float64)


def precision_recall_f1(matrix: Floats, positive: int | None = None) -> tuple[float, float, float]:
    """Return the averages over classes, weighted by their share; or the values of the class `positive`.

    What has nothing to divide by is 0, as with `zero_division=0`.
    """
    hit, true, predicted = matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0)
    each = (_ratio(hit, predicted), _ratio(hit, true), _ratio(2 * hit, true + predicted))
    if positive is not None:
        precision, recall, f1 = (float(values[positive]) for values in each)
    else:
        precision, recall, f1 = (float(np.average(values, weights=true)) for values in each)
    return precision, recall, f1


def accuracy(matrix: Floats) -> float:
    """Return the share of samples on the diagonal."""
    return float(matrix.trace() / matrix.sum())


def log_loss(true: Codes, probabilities: Any, weights: Floats | None = None) -> float:
    """Return the average negative logarithm of the probability that the true class was given."""
    given = np.asarray(probabilities)
    if given.dtype.kind != "f":
        given = given.astype(np.float64)
    margin = np.finfo(given.dtype).eps
    hit = given[np.arange(len(true)), true].clip(margin, 1 - margin)
    return float(np.average(-np.log(hit), weights=weights))


def ranking(positive: NDArray[np.bool_], scores: Any, weights: Floats | None = None) -> tuple[Floats, Floats, Floats]:
    """Return false and true positives above each distinct score, with the scores, from the highest down."""
    scores = np.asarray(scores)
    order = np.argsort(-scores, kind="stable")
    scores, positive = scores[order], positive[order]
    gain = np.ones(len(scores)) if weights is None else weights[order]
    last = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)
    true = np.cumsum(np.where(positive, gain, 0.0))[last]
    false = np.cumsum(np.where(positive, 0.0, gain))[last]
    return false, true, scores[last]


def roc_auc(positive: NDArray[np.bool_], scores: Any, weights: Floats | None = None) -> float:
    """Return the area under the ROC curve; NaN where only one class is present."""
    false, true, _ = ranking(positive, scores, weights)
    return area(false, true)


def area(false: Floats, true: Floats) -> float:
    """Return the area under the ROC curve from `ranking`; NaN where only one class is present."""
    if not false[-1] or not true[-1]:
        return float("nan")
    below = np.diff(false, prepend=0.0)
    height = (true + np.concatenate(([0.0], true[:-1]))) / 2
    return float((below * height).sum() / (false[-1] * true[-1]))


def roc_auc_one_vs_one(true: Codes, probabilities: Any) -> float:
    """Return the area under the ROC curve over all pairs of classes, weighted by how common each pair is.

    The area is how often a sample of the one class is ranked above one of the other: counted for all others at once.
    """
    given = np.asarray(probabilities)
    count = given.shape[1]
    sizes = np.bincount(true, minlength=count).astype(np.float64)
    areas = np.empty((count, count))
    for one in range(count):
        own = np.sort(given[true == one, one])
        below, up_to = np.searchsorted(own, given[:, one], "left"), np.searchsorted(own, given[:, one], "right")
        above = len(own) - (below + up_to) / 2
        areas[one] = np.bincount(true, above, count) / (len(own) * sizes)
    shares = sizes[:, None] + sizes[None, :]
    pairs = ~np.eye(count, dtype=bool)
    return float(np.average(areas[pairs], weights=shares[pairs]))


def regression(true: Any, predicted: Any, weights: Floats | None = None) -> dict[str, float]:
    """Return squared, absolute and root squared error and R², averaged over outputs.

    Args:
        true, predicted: Of shape (n_samples,) or (n_samples, n_outputs).
    """
    true, predicted = _columns(true), _columns(predicted)
    if true.shape != predicted.shape:
        raise ValueError(f"targets have shape {true.shape}, predictions {predicted.shape}")
    squared = np.average((true - predicted) ** 2, axis=0, weights=weights)
    spread = (true - np.average(true, axis=0, weights=weights)) ** 2
    variation = np.average(spread, axis=0, weights=weights)
    explained = 1 - squared / np.where(variation == 0, 1.0, variation)
    # A constant target: all of it explained, or nothing.
    explained = np.where(variation == 0, np.where(squared == 0, 1.0, 0.0), explained)
    return {
        "mean_squared_error": float(squared.mean()),
        "mean_absolute_error": float(np.average(np.abs(true - predicted), axis=0, weights=weights).mean()),
        "r2_score": float(explained.mean()) if len(true) > 1 else float("nan"),
        "root_mean_squared_error": float(np.sqrt(squared).mean()),
    }


def _columns(values: Any) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    return array.reshape(-1, 1) if array.ndim == 1 else array


def _ratio(above: Floats, below: Floats) -> Floats:
    ratio: Floats = np.divide(above, below, out=np.zeros_like(above), where=below != 0)
    return ratio
