"""Datasets to log by hand: `steno.log_input(steno.data.from_pandas(df), context="training")`."""

from __future__ import annotations

import json
from typing import Any

from msgspec import structs

from steno.autolog.describe import describe_data
from steno.errors import InvalidValue
from steno.records import Dataset

NAME_LENGTH, DIGEST_LENGTH = 500, 36
_SCHEMES = {
    "http": "http",
    "https": "http",
    "s3": "s3",
    "gs": "gs",
    "abfss": "abfss",
    "wasbs": "wasbs",
    "hf": "hugging_face",
}


def from_pandas(
    df: Any,
    source: str | None = None,
    targets: str | None = None,
    name: str | None = None,
    digest: str | None = None,
    predictions: str | None = None,
) -> Dataset:
    """Describe a DataFrame of shape (n_rows, n_columns).

    Args:
        source: Where it came from: a path or URL; default the script that runs.
        targets: The column that is to be predicted.
        predictions: The column that holds predictions.

    Raises:
        InvalidValue: A column that is not there, or a name or digest that is too long.
    """
    for column in (targets, predictions):
        if column is not None and column not in df.columns:
            raise InvalidValue(
                f"there is no column {column!r}; there are {', '.join(map(repr, list(df.columns)[:20]))}"
            )
    return _dataset(df, None, source, name, digest)


from_polars = from_pandas


def from_numpy(
    features: Any, source: str | None = None, targets: Any = None, name: str | None = None, digest: str | None = None
) -> Dataset:
    """Describe an array (or sparse matrix) of shape (n_samples, ...), with its targets. Raises: InvalidValue."""
    return _dataset(features, targets, source, name, digest)


from_tensorflow = from_numpy


def _dataset(features: Any, targets: Any, source: str | None, name: str | None, digest: str | None) -> Dataset:
    found = describe_data(features, targets, name=_checked("name", name or "dataset", NAME_LENGTH)).dataset
    if source is not None:
        kind = _SCHEMES.get(str(source).partition("://")[0], "local") if "://" in str(source) else "local"
        key = "url" if kind == "http" else "uri"
        found = structs.replace(found, source_type=kind, source=json.dumps({key: str(source)}))
    if digest is not None:
        found = structs.replace(found, digest=_checked("digest", digest, DIGEST_LENGTH))
    return found


def _checked(what: str, value: str, limit: int) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= limit:
        raise InvalidValue(f"a dataset's {what} is text of 1 to {limit} characters, not {value!r:.60}")
    return value
