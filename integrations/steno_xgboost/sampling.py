"""The first rows of the training data, and what the trained model makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from steno.autolog.keeping import Sample
from steno.autolog.quiet import quiet

from steno_xgboost.sources import source_of

EXAMPLE_ROWS = 5


def sample_of(booster: Any, matrix: Any, *, on_device: bool) -> Sample | None:
    """Return the first rows with their predictions; None where their types are not known.

    A matrix holds 32-bit numbers whatever it was made of. Of its own rows a signature would refuse the user's data,
    unless it says what columns it had.
    """
    X, _ = source_of(matrix)
    if X is None:
        return None if on_device else _named_rows(booster, matrix)
    rows = head(X)
    return Sample(rows, None if on_device else _predicted(booster, rows, matrix.missing))


def head(data: Any) -> Any:
    """Return a copy of the first rows."""
    rows = data.iloc[:EXAMPLE_ROWS] if hasattr(data, "iloc") else data[:EXAMPLE_ROWS]
    return rows.copy() if hasattr(rows, "copy") else rows


def _predicted(booster: Any, rows: Any, missing: float) -> Any:
    try:
        with quiet():
            return booster.inplace_predict(rows, missing=missing)
    except Exception:  # advice: a signature without outputs is better than none
        return None


def _named_rows(booster: Any, matrix: Any) -> Sample | None:
    names, kinds = matrix.feature_names, matrix.feature_types
    if not names or "c" in (kinds or ()):
        return None
    import pandas as pd

    with quiet():
        some = matrix.slice(list(range(min(EXAMPLE_ROWS, matrix.num_row()))))
        outputs = booster.predict(some)
    frame = pd.DataFrame(_dense(some), columns=names)
    whole = [name for name, kind in zip(names, kinds or (), strict=False) if kind == "int"]
    if not frame[whole].isna().any(axis=None):
        frame = frame.astype(dict.fromkeys(whole, "int64"))
    return Sample(frame, outputs)


def _dense(matrix: Any) -> Any:
    stored = matrix.get_data().tocoo()
    values = np.full(stored.shape, np.nan)
    values[stored.row, stored.col] = stored.data
    return values
