"""What a model says of its features: importances of trees, coefficients of linear models."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

PATH = "feature_importances.json"
MOST_FEATURES = 2000


def file(model: Any) -> bytes | None:
    """Return the artifact's content, the most important features first; None if the model says nothing."""
    final = _final(model)
    kind, values = _values(final)
    if values is None or len(values) > MOST_FEATURES:
        return None
    names = _names(final, len(values))
    order = np.argsort(-np.abs(values), kind="stable")
    content = {"kind": kind, "features": [names[at] for at in order], "importances": values[order].tolist()}
    return json.dumps(content).encode()


def _values(model: Any) -> tuple[str, Any]:
    found = getattr(model, "feature_importances_", None)
    if isinstance(found, np.ndarray) and found.ndim == 1:
        return "feature_importances_", found.astype(np.float64)
    found = getattr(model, "coef_", None)
    if not isinstance(found, np.ndarray) or found.dtype.kind != "f" or found.ndim not in (1, 2):
        return "", None
    # Of several classes or targets, how far a feature moves them on average.
    flat = found if found.ndim == 1 else found[0] if len(found) == 1 else np.abs(found).mean(axis=0)
    return "coef_", flat.astype(np.float64)


def _final(model: Any) -> Any:
    while True:
        if hasattr(model, "best_estimator_"):
            model = model.best_estimator_
        elif getattr(model, "steps", None):
            model = model.steps[-1][1]
        else:
            return model


def _names(model: Any, count: int) -> list[str]:
    names = getattr(model, "feature_names_in_", None)
    return (
        [str(name) for name in names] if names is not None and len(names) == count else [f"x{i}" for i in range(count)]
    )
