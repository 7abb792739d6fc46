"""What a model returned for a batch, as a table with a row for each of the batch's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steno.errors import InvalidValue, ModelError
from steno.models import foreign_frames, frames


def table(prediction: Any, rows: int) -> Any:
    """Return a prediction as a DataFrame, numbered from 0; columns that have no name are numbered too.

    Args:
        prediction: A table or column of any library, array of any framework, list, or dict of such.
        rows: How many the batch has.

    Raises:
        ModelError: It is nothing of that, or has not a row for each of the batch's.
    """
    prediction = frames.arrayed(prediction)
    try:
        found = _table(prediction.toarray() if frames.is_sparse(prediction) else prediction)
    except (ValueError, TypeError, InvalidValue) as error:
        raise ModelError(f"the model returned a {type(prediction).__name__} that makes no table: {error}") from error
    if len(found) != rows:
        raise ModelError(f"the model returned {len(found)} predictions for a batch of {rows} rows")
    return found


def _table(prediction: Any) -> Any:
    import pandas as pd

    if frames.is_dataframe(prediction):
        return prediction.reset_index(drop=True)
    if frames.is_series(prediction):
        named = 0 if prediction.name is None else prediction.name
        return prediction.reset_index(drop=True).to_frame(named)
    if frames.is_ndarray(prediction):
        return pd.DataFrame(prediction if prediction.ndim == 2 else {0: _column(prediction)})
    if isinstance(prediction, Mapping):
        return pd.DataFrame({name: _column(values) for name, values in prediction.items()})
    if isinstance(prediction, list | tuple):
        if prediction and all(isinstance(row, Mapping) for row in prediction):
            return pd.DataFrame(list(prediction))
        return pd.DataFrame({0: _column(prediction)})
    opened = foreign_frames.opened(prediction)
    if opened is None:
        raise InvalidValue("it is no table, array or list")
    return _table(foreign_frames.as_pandas(opened))


def _column(values: Any) -> Any:
    """Return values as one column: of what has more axes than one, each cell holds the rest."""
    import pandas as pd

    values = frames.arrayed(values)
    if frames.is_ndarray(values) and values.ndim > 1:
        return pd.Series(list(values), dtype=object)
    if isinstance(values, list | tuple):
        # pandas would make floats of integers beside a None, and lists of one length it would line up.
        kept = any(
            each is None or isinstance(each, list | tuple | Mapping) or frames.is_ndarray(each) for each in values
        )
        return pd.Series(list(values), dtype=object if kept else None)
    if not frames.is_ndarray(values) and not frames.is_series(values):
        raise InvalidValue(f"{type(values).__name__} is no column")
    return values
