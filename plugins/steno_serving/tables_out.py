"""Predictions written as they are made: JSON as the scoring protocol has it, CSV, Parquet."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

import msgspec
from steno.errors import MissingDependency, ModelError
from steno.models import frames

from steno_serving import answers

Write = Callable[[Any], None]


@contextmanager
def writing(target: IO[bytes], kind: str, *, whole: bool) -> Iterator[Write]:
    """Yield a function that writes the prediction of a piece.

    Args:
        target: Where to.
        kind: "json", "csv" or "parquet".
        whole: Whether there is one piece only, whose prediction need be no list.

    Raises:
        ModelError: A prediction that is no table, for CSV and Parquet.
        MissingDependency: Parquet without pyarrow.
    """
    if kind == "json" and whole:
        yield lambda prediction: _put(target, answers.encode(prediction) + b"\n")
        return
    with {"json": _json, "csv": _csv, "parquet": _parquet}[kind](target) as write:
        yield write


def _put(target: IO[bytes], content: bytes) -> None:
    target.write(content)


@contextmanager
def _json(target: IO[bytes]) -> Iterator[Write]:
    """One list of all pieces' predictions."""
    between = b'{"predictions":['

    def write(prediction: Any) -> None:
        nonlocal between
        shown = msgspec.json.decode(answers.encode(prediction))[answers.PREDICTIONS]
        if not isinstance(shown, list):
            raise ModelError(f"the model returned {type(prediction).__name__}, and no prediction for each row")
        if shown:
            target.write(between + msgspec.json.encode(shown)[1:-1])
            between = b","

    yield write
    target.write((b"" if between == b"," else between) + b"]}\n")


@contextmanager
def _csv(target: IO[bytes]) -> Iterator[Write]:
    text, first = io.TextIOWrapper(target, "utf-8", newline="", write_through=True), True

    def write(prediction: Any) -> None:
        nonlocal first
        _frame(prediction).to_csv(text, index=False, header=first)
        first = False

    try:
        yield write
    finally:
        text.flush()
        text.detach()


@contextmanager
def _parquet(target: IO[bytes]) -> Iterator[Write]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise MissingDependency("writing Parquet", "pyarrow") from error
    writer: Any = None

    def write(prediction: Any) -> None:
        nonlocal writer
        table = pa.Table.from_pandas(_frame(prediction), preserve_index=False)
        writer = writer or parquet.ParquetWriter(target, table.schema)
        writer.write_table(table.cast(writer.schema))

    try:
        yield write
    finally:
        if writer is not None:
            writer.close()


def _frame(prediction: Any) -> Any:
    """Return a prediction as a table: unnamed, its one column is "prediction", several are counted."""
    import pandas as pd

    if frames.is_dataframe(prediction):
        return prediction.rename(columns=str)
    if frames.is_series(prediction):
        return prediction.to_frame("prediction" if prediction.name is None else str(prediction.name))
    try:
        found = pd.DataFrame(prediction)
    except (ValueError, TypeError) as error:
        raise ModelError(f"the model returned {type(prediction).__name__}, which is no table; write JSON") from error
    alone = len(found.columns) == 1 and not isinstance(prediction, dict)
    return found.set_axis(["prediction"], axis=1) if alone else found.rename(columns=str)
