"""A frame as a model with categories takes it, whatever its columns became on their way."""

from __future__ import annotations

from typing import Any


def as_trained(booster: Any, frame: Any) -> Any:
    """Return the frame with texts as the categories that the model was trained with.

    LightGBM keeps the categories of each column that had some, in the order of the columns, and no names. Texts that
    are none of them become missing values, as LightGBM does with categories it has not seen.
    """
    categories = booster.pandas_categorical
    if not categories:
        return frame
    import pandas as pd

    texts = [name for name in frame.columns if _holds_texts(frame[name])]
    if len(texts) != len(categories) or all(isinstance(frame[name].dtype, pd.CategoricalDtype) for name in texts):
        return frame
    columns = {
        name: pd.Categorical(frame[name], categories=known) for name, known in zip(texts, categories, strict=True)
    }
    return frame.assign(**columns)


def _holds_texts(column: Any) -> bool:
    import pandas as pd

    return isinstance(column.dtype, pd.CategoricalDtype) or not (
        pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype)
    )
