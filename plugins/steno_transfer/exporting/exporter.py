"""Runs, models and registered models of a store, written to the folder of an export part by part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from steno.contracts.stores import RunStore
from steno.errors import NotFound, StenoError
from steno.model_records import LoggedModel
from steno.records import Experiment, MetricSummary, Series, as_builtins
from steno.tracking import places

from steno_transfer.exporting.copying import copy_files
from steno_transfer.exporting.rows import METRICS, TABLES, Row, model_row, registration_rows, run_rows
from steno_transfer.exporting.selection import Registration
from steno_transfer.exporting.target import File, Part, Target, described

RUN_FILES, MODEL_FILES = "artifacts", "model_artifacts"
"""Where the files of runs and of logged models are, each in a folder of its id."""

POINTS_AT_ONCE = 100_000
_PART_ENTRIES = 500
_PART_POINTS = 2_000_000


class Writer(Protocol):
    """Writes one part of the tables."""

    suffix: str

    def add(self, table: str, row: Row) -> None:
        """Write a row."""
        ...

    def add_points(self, run_id: str, series: Series) -> None:
        """Write points."""
        ...

    def close(self) -> None:
        """Finish the files."""
        ...


class _OpenPart:
    def __init__(self, name: str, writer: Writer) -> None:
        self.name, self.writer = name, writer
        self.done: list[str] = []
        self.files: list[File] = []
        self.left: list[str] = []
        self.points = 0

    @property
    def full(self) -> bool:
        return len(self.done) >= _PART_ENTRIES or self.points >= _PART_POINTS


class Exporter:
    """Writes what the target has not yet. One thread; what a killed process began is written again by the next.

    Attributes:
        written: How many rows of each table, files and bytes this call wrote.
        left: What could not be written, by this call and those before, a sentence each.
    """

    def __init__(self, store: RunStore, target: Target, make_writer: Callable[[Path, str], Writer]) -> None:
        self._store, self._target, self._make_writer = store, target, make_writer
        self._open: _OpenPart | None = None
        self.written: Counter[str] = Counter()
        self.left = [each for part in target.parts for each in part.left]

    def run(self, run_id: str) -> None:
        """Write a run, unless it is gone."""
        if f"run {run_id}" in self._target.done:
            return
        try:
            run = self._store.get_run(run_id)
        except NotFound:  # purged since it was listed
            return
        part = self._part()
        for table, row in run_rows(run):
            self._add(table, row)
        for key, summary in run.data.summaries.items():
            self._points(run.info.run_id, key, summary)
        if self._target.about.artifacts:
            self._files(f"run {run_id}", run.info.artifact_uri, f"{RUN_FILES}/{run_id}")
        self._entered(part, f"run {run_id}")

    def model(self, model: LoggedModel) -> None:
        """Write a logged model."""
        if f"model {model.model_id}" in self._target.done:
            return
        part = self._part()
        self._add(*model_row(model))
        if self._target.about.artifacts:
            self._files(f"model {model.model_id}", model.artifact_location, f"{MODEL_FILES}/{model.model_id}")
        self._entered(part, f"model {model.model_id}")

    def finish(self, experiments: Iterable[Experiment], registrations: Iterable[Registration]) -> None:
        """Write the experiments and the registered models, and complete the export."""
        self._part()
        for experiment in experiments:
            self._add("experiments", as_builtins(experiment))
        for model, versions in registrations:
            for table, row in registration_rows(model, versions):
                self._add(table, row)
        self._commit()
        self._target.finish()

    def _points(self, run_id: str, key: str, summary: MetricSummary) -> None:
        part = self._part()
        for offset in range(0, summary.count, POINTS_AT_ONCE):
            limit = min(POINTS_AT_ONCE, summary.count - offset)  # of a run that goes on, what it had when it was read
            if summary.count == 1:  # the summary tells it all, and asks the store no more
                series = Series(key)
                series.append(summary.last_step, summary.last_time, summary.last)
            else:
                series = self._store.metric_history(run_id, key, offset=offset, limit=limit)
            part.writer.add_points(run_id, series)
            part.points += len(series)
            self.written[METRICS] += len(series)

    def _add(self, table: str, row: Row) -> None:
        self._part().writer.add(table, row)
        self.written[table] += 1

    def _files(self, owner: str, uri: str, folder: str) -> None:
        part, root = self._part(), self._target.folder
        try:
            for path in copy_files(places.artifact_store(uri), root / folder, owner, part.left):
                file = described(root, path)
                part.files.append(file)
                self.written["artifacts"] += 1
                self.written["artifact_bytes"] += file.size
        except (StenoError, OSError) as error:
            part.left.append(f"artifacts of {owner}: {error}")

    def _part(self) -> _OpenPart:
        if self._open is None:
            name = self._target.next_part()
            self._open = _OpenPart(name, self._make_writer(self._target.folder, name))
        return self._open

    def _entered(self, part: _OpenPart, what: str) -> None:
        part.done.append(what)
        if part.full:
            self._commit()

    def _commit(self) -> None:
        part, self._open = self._part(), None
        part.writer.close()
        root = self._target.folder
        paths = (root / table / f"{part.name}.{part.writer.suffix}" for table in TABLES)
        files = [described(root, path) for path in paths if path.exists()]
        self._target.commit(Part(part.name, part.done, files + part.files, part.left))
        self.left += part.left
