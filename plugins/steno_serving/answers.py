"""Predictions as JSON: what a model returned, in the forms that MLflow's scoring protocol has."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec
from steno.errors import ModelError
from steno.models import frames

PREDICTIONS = "predictions"


def encode(prediction: Any, *, wrapped: bool = True) -> bytes:
    """Return the body of an answer; NaN and infinities are null there. Raises: ModelError.

    Args:
        prediction: What the model returned.
        wrapped: Whether it stands under the key "predictions"; answers of chat models stand alone.
    """
    shown = plain(prediction)
    try:
        return _encode({PREDICTIONS: shown} if wrapped else shown)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ModelError(f"the model returned what JSON cannot hold: {error}") from error


def plain(prediction: Any) -> Any:
    """Return a prediction as lists, dicts and scalars: tables as records, one for each row."""
    if frames.is_ndarray(prediction):
        return prediction.tolist()
    if frames.is_dataframe(prediction):
        return _records(prediction)
    if frames.is_series(prediction):
        name = 0 if prediction.name is None else prediction.name
        return [{str(name): value} for value in prediction.tolist()]
    if isinstance(prediction, dict):
        return {str(key): plain(value) for key, value in prediction.items()}
    if isinstance(prediction, (list, tuple)):
        return [plain(value) for value in prediction]
    return prediction


def _records(frame: Any) -> list[dict[str, Any]]:
    names = [str(name) for name in frame.columns]
    columns = [frame.iloc[:, at].tolist() for at in range(len(names))]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _other(value: Any) -> Any:
    """What msgspec does not know: numpy's scalars and arrays, and pandas' moments and gaps."""
    if value != value or type(value).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"values of type {type(value).__name__}")


_encode = msgspec.json.Encoder(enc_hook=_other, decimal_format="number").encode
