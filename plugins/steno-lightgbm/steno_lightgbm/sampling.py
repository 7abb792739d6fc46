"""The first rows of the training data, and what the trained model makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from steno.autolog.keeping import Sample
from steno.autolog.quiet import quiet
from steno.contracts.integration import Call

from steno_lightgbm.params import at_prediction
from steno_lightgbm.sources import source_of

EXAMPLE_ROWS = 5


def rows_of_dataset(call: Call, dataset: Any) -> Any:
    """Return a copy of the first rows of what a dataset is made of; None where that is not known, or not asked for.

    LightGBM lets go of the data as training begins.
    """
    return head(source_of(dataset)[0]) if _wanted(call) else None


def rows_of_array(call: Call, data: Any) -> Any:
    """Return a copy of the first rows."""
    return head(data) if _wanted(call) else None


def head(data: Any) -> Any:
    """Return a copy of the first rows; None of what has none, a path or a sequence of the user's own."""
    if data is None or isinstance(data, str | Path) or not hasattr(data, "shape"):
        return None
    try:
        rows = data.iloc[:EXAMPLE_ROWS] if hasattr(data, "iloc") else data[:EXAMPLE_ROWS]
        return rows.copy() if hasattr(rows, "copy") else rows
    except Exception:  # advice: of some containers no rows can be taken
        return None


def sample_of_booster(booster: Any, rows: Any, params: Mapping[str, Any] | None) -> Sample | None:
    """Return rows with a booster's predictions."""
    if rows is None:
        return None
    try:
        with quiet():
            return Sample(rows, booster.predict(rows, **at_prediction(params)))
    except Exception:  # advice: a signature without outputs is better than none
        return Sample(rows)


def sample_of_wrapper(model: Any, rows: Any) -> Sample | None:
    """Return rows with a wrapper's predictions."""
    if rows is None:
        return None
    try:
        with quiet():
            return Sample(rows, model.predict(rows))
    except Exception:  # advice: a signature without outputs is better than none
        return Sample(rows)


def _wanted(call: Call) -> bool:
    chosen = call.options
    return chosen.log_models and (chosen.log_model_signatures or chosen.log_input_examples)
