"""Predictions for as many training samples as the time allows."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np
from msgspec import Struct

from steno_sklearn.data import Data

FIRST_SAMPLE = 32
GROWTH = 8
SCORING_MS = 5e-4  # what the metrics of one sample take, sorting included
# Whose predict is the most probable class of predict_proba, so that asking once is enough.
_MOST_PROBABLE = frozenset({"ForestClassifier.predict"})


class Predictions(Struct):
    """What a model makes of a part of its training data.

    Attributes:
        data: That part.
        labels: What `predict` returns.
        probabilities: What `predict_proba` returns, None where there is none.
        took_ms: How long both took.
    """

    data: Data
    labels: Any
    probabilities: Any
    took_ms: float


def predict_within(allowed_ms: float, model: Any, data: Data, *, probabilities: bool) -> Predictions | None:
    """Predict for all samples if that should fit, else for every k-th of them, at least some 32.

    Args:
        allowed_ms: Time there is; infinite for all samples in any case.
        model: A fitted estimator with `predict`.
        data: What it was trained on.
        probabilities: Whether to ask for `predict_proba` too.

    Returns:
        None where the data cannot be thinned and is too long to be taken whole unseen.
    """
    if allowed_ms == float("inf") or data.rows <= FIRST_SAMPLE * GROWTH // 4:
        return _predict(model, data, probabilities)
    if not data.thins:
        return None
    deadline = perf_counter() + allowed_ms / 1000.0
    size, before_ms, found = FIRST_SAMPLE, 0.0, _predict(model, _part(data, FIRST_SAMPLE), probabilities)
    while found.data.rows < data.rows:
        left_ms = (deadline - perf_counter()) * 1000.0
        if (found.took_ms / found.data.rows + SCORING_MS) * data.rows < left_ms:
            return _predict(model, data, probabilities)
        # Growing the sample shows how the time grows with it; a forest's is constant at first.
        growth_ms = max(found.took_ms - before_ms, 0.0) if before_ms else found.took_ms / GROWTH
        if found.took_ms + GROWTH * growth_ms > left_ms:
            break
        size, before_ms = size * GROWTH, found.took_ms
        found = _predict(model, _part(data, size), probabilities)
    return found


def _part(data: Data, size: int) -> Data:
    return data.every(max(1, data.rows // size))


def _predict(model: Any, data: Data, probabilities: bool) -> Predictions:
    began = perf_counter()
    given = model.predict_proba(data.X) if probabilities else None
    if isinstance(given, np.ndarray) and getattr(model.predict, "__qualname__", "") in _MOST_PROBABLE:
        labels = model.classes_.take(given.argmax(axis=1))
    else:
        labels = model.predict(data.X)
    return Predictions(data, labels, given, (perf_counter() - began) * 1000.0)
