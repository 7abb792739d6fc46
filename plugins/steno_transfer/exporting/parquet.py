"""Tables as Parquet, a row group at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from steno.records import Series

from steno_transfer.exporting.rows import METRICS, Row

GROUP_ROWS = 1 << 17
"""How many rows of a table are in memory."""

_TEXT, _INT, _MAP = pa.string(), pa.int64(), pa.map_(pa.string(), pa.string())


def _schema(texts: str, numbers: str = "", maps: str = "", **others: Any) -> Any:
    columns = [(name, _TEXT) for name in texts.split()] + [(name, _INT) for name in numbers.split()]
    return pa.schema(columns + [(name, _MAP) for name in maps.split()] + list(others.items()))


_POINT = pa.struct(
    [
        *((name, _TEXT) for name in ("key", "dataset_name", "dataset_digest", "model_id", "run_id")),
        ("step", _INT),
        ("timestamp", _INT),
        ("value", pa.float64()),
    ]
)
_VERSION = """
name version source location run_id model_id current_stage description user_id status status_message run_link
"""
_TIMES = "creation_timestamp last_updated_timestamp"
SCHEMAS = {
    "experiments": _schema(
        "experiment_id name artifact_location lifecycle_stage", "creation_time last_update_time", "tags"
    ),
    "runs": _schema("run_id experiment_id run_name status user_id artifact_uri lifecycle_stage", "start_time end_time"),
    "params": _schema("run_id key value"),
    "tags": _schema("run_id key value"),
    METRICS: _schema("run_id key", "step timestamp", value=pa.float64()),
    "inputs": _schema("run_id name digest source_type source schema profile", maps="tags"),
    "run_models": _schema("run_id model_id role", "step"),
    "models": _schema(
        "model_id experiment_id name artifact_location model_type source_run_id status status_message lifecycle_stage",
        _TIMES,
        "tags params",
        metrics=pa.list_(_POINT),
    ),
    "registered_models": _schema("name description", _TIMES, "tags aliases"),
    "model_versions": _schema(_VERSION, _TIMES, "tags", aliases=pa.list_(_TEXT)),
}


class Parquet:
    """One part of each table that has a row; a row group of each is in memory."""

    suffix = "parquet"

    def __init__(self, folder: Path, part: str) -> None:
        self._folder, self._part = folder, part
        self._writers: dict[str, Any] = {}
        self._rows: dict[str, list[Row]] = {}
        self._points: list[Any] = []
        self._point_count = 0

    def add(self, table: str, row: Row) -> None:
        """Write a row."""
        rows = self._rows.setdefault(table, [])
        rows.append(row)
        if len(rows) >= GROUP_ROWS:
            self._write_rows(table)

    def add_points(self, run_id: str, series: Series) -> None:
        """Write points."""
        count = len(series)
        steps, times = (
            pa.Array.from_buffers(_INT, count, [None, pa.py_buffer(c)]) for c in (series.steps, series.times)
        )
        values = pa.Array.from_buffers(pa.float64(), count, [None, pa.py_buffer(series.values)])
        columns = [pa.repeat(run_id, count), pa.repeat(series.key, count), steps, times, values]
        self._points.append(pa.record_batch(columns, schema=SCHEMAS[METRICS]))
        self._point_count += count
        if self._point_count >= GROUP_ROWS:
            self._write_points()

    def close(self) -> None:
        """Write what is left, and finish the files."""
        for table in self._rows:
            self._write_rows(table)
        self._write_points()
        for writer in self._writers.values():
            writer.close()

    def _write_rows(self, table: str) -> None:
        if rows := self._rows[table]:
            found = [{**row, **{key: list(row[key].items()) for key in _maps(table)}} for row in rows]
            self._writer(table).write_table(pa.Table.from_pylist(found, schema=SCHEMAS[table]))
            rows.clear()

    def _write_points(self) -> None:
        if self._points:
            points = pa.Table.from_batches(self._points).combine_chunks()
            self._writer(METRICS).write_table(points, row_group_size=GROUP_ROWS)
            self._points, self._point_count = [], 0

    def _writer(self, table: str) -> Any:
        writer = self._writers.get(table)
        if writer is None:
            path = self._folder / table / f"{self._part}.{self.suffix}"
            path.parent.mkdir(exist_ok=True)
            writer = self._writers[table] = pq.ParquetWriter(path, SCHEMAS[table], compression="zstd")
        return writer


def _maps(table: str) -> list[str]:
    return [field.name for field in SCHEMAS[table] if field.type == _MAP]
