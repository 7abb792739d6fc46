"""The first rows of the training data, and what the trained model makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import catboost
from steno.autolog.keeping import Sample
from steno.autolog.quiet import quiet
from steno.contracts.integration import Call

from steno_catboost.sources import source_of

EXAMPLE_ROWS = 5


def sample_of(call: Call, model: Any, given: Mapping[str, Any]) -> Sample | None:
    """Return the first rows with their predictions; None where no model is kept, or its data is not at hand."""
    options = call.options
    if not (options.log_models and (options.log_model_signatures or options.log_input_examples)):
        return None
    data = given.get("X")
    if isinstance(data, catboost.Pool):
        data, _ = source_of(data)
    if data is None or isinstance(data, str) or not hasattr(data, "__len__"):
        return None
    try:
        rows = _head(data)
    except Exception:  # advice: a model is kept without its signature rather than not at all
        return None
    return Sample(rows, _predicted(model, rows))


def _head(data: Any) -> Any:
    """Return a copy of the first rows."""
    rows = data.iloc[:EXAMPLE_ROWS] if hasattr(data, "iloc") else data[:EXAMPLE_ROWS]
    return rows.copy() if hasattr(rows, "copy") else rows


def _predicted(model: Any, rows: Any) -> Any:
    try:
        with quiet():
            return model.predict(rows, thread_count=1)
    except Exception:  # advice: a signature without outputs is better than none (an objective of the user's has none)
        return None
