"""Predictions on a file, written to another one whole or not at all."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from steno.cli.progress import progress
from steno.models.enforcement import enforce
from steno.models.pyfunc import PyFuncModel

from steno_serving import tables_in, tables_out


def predict_file(
    model: PyFuncModel,
    input_path: Path | None,
    output_path: Path | None,
    content_type: str | None,
    output_type: str | None,
) -> int:
    """Predict on a file, and return how many pieces it had.

    Args:
        model: The model.
        input_path, output_path: None for standard input and output.
        content_type, output_type: "json", "csv" or "parquet"; None for what the file's name says, else JSON.

    Raises:
        InvalidValue, SchemaMismatch: The input cannot be read, or is not what the model takes.
        ModelError: The model failed, or returned what the output cannot hold.
    """
    kind, out_kind = content_type or _kind(input_path), output_type or _kind(output_path)
    total = tables_in.rows_in(input_path, kind) if input_path is not None else None
    schema = model.signature.inputs if model.signature is not None else None
    count = 0
    with (
        _source(input_path) as source,
        _target(output_path) as target,
        progress("predicting", total) as advance,
        tables_out.writing(target, out_kind, whole=kind == "json") as write,
    ):
        for asked in tables_in.pieces(source, kind, schema):
            if kind != "json" and not len(asked.inputs):  # no model predicts on nothing, but its columns may be wrong
                enforce(asked.inputs, None, model.signature)
                continue
            write(model.predict(asked.inputs, asked.params))
            count += 1
            advance(len(asked.inputs) if kind != "json" else 1)
    return count


def _kind(path: Path | None) -> str:
    return tables_in.KINDS.get(path.suffix.lower(), "json") if path is not None else "json"


@contextmanager
def _source(path: Path | None) -> Iterator[IO[bytes]]:
    if path is None:
        yield sys.stdin.buffer
    else:
        with path.open("rb") as source:
            yield source


@contextmanager
def _target(path: Path | None) -> Iterator[IO[bytes]]:
    """Where predictions go; a file is there once it is whole."""
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with unfinished.open("wb") as target:
            yield target
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
