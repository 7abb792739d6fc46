"""Files to predict on, read piece by piece so that a table of any length fits into memory."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from steno.errors import InvalidValue, MissingDependency
from steno.models.signature import Schema

from steno_serving import bodies
from steno_serving.bodies import Asked

ROWS = 10_000
"""How many rows are predicted at a time."""

KINDS = {".json": "json", ".csv": "csv", ".parquet": "parquet", ".pq": "parquet"}


def pieces(source: IO[bytes], kind: str, schema: Schema | None) -> Iterator[Asked]:
    """Yield what a file asks: of a table some rows at a time, in their order.

    Raises:
        InvalidValue: It is not of that kind.
        MissingDependency: Parquet without pyarrow.
    """
    if kind == "json":
        yield bodies.read(bodies.JSON, source.read(), schema)
        return
    for frame in _csv(source, schema) if kind == "csv" else _parquet(source):
        yield Asked(frame)


def rows_in(path: Path, kind: str) -> int | None:
    """Return how many rows a file has where that costs nothing, for a progress bar."""
    if kind != "parquet":
        return None
    try:
        from pyarrow import parquet

        return int(parquet.ParquetFile(path).metadata.num_rows)
    except Exception:  # advice: what is wrong with the file is told as it is read
        return None


def _csv(source: IO[bytes], schema: Schema | None) -> Iterator[Any]:
    import pandas as pd

    try:
        with pd.read_csv(source, dtype=bodies.csv_types(schema), chunksize=ROWS) as read:
            for frame in read:
                yield bodies.with_moments(frame, schema)
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidValue(f"the CSV cannot be read: {str(error).strip()}") from error


def _parquet(source: IO[bytes]) -> Iterator[Any]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise MissingDependency("reading Parquet", "pyarrow") from error
    seekable = source if source.seekable() else io.BytesIO(source.read())
    try:
        for batch in parquet.ParquetFile(seekable).iter_batches(ROWS):
            yield batch.to_pandas()
    except (ArrowException, OSError) as error:
        raise InvalidValue(f"the Parquet cannot be read: {error}") from error


__all__ = ["KINDS", "ROWS", "pieces", "rows_in"]
