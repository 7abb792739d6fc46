"""`steno import directory`: what `steno export directory` wrote, read back as the store it was."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from pathlib import Path

import msgspec
from steno.contracts.importing import ForeignRun
from steno.errors import InvalidValue, NotFound
from steno.model_records import LoggedModel, ModelVersion, RegisteredModel
from steno.records import (
    Dataset,
    DatasetInput,
    Experiment,
    InputTag,
    LifecycleStage,
    ModelInput,
    ModelOutput,
    RunInfo,
    Series,
)

from steno_transfer.carrier import own_tags
from steno_transfer.exporting.exporter import MODEL_FILES, RUN_FILES
from steno_transfer.exporting.json_lines import Point, read_points, read_rows
from steno_transfer.exporting.rows import METRICS, Row
from steno_transfer.exporting.target import File, Part, read_manifest
from steno_transfer.whole import ForeignModel, ForeignRegistration, Places

_POINTS_AT_ONCE = 50_000


class ExportedStore:
    """A WholeStore in a folder. Each file is compared with its SHA-256 before anything of it is used.

    Args:
        folder: Written by `steno export directory`.

    Raises:
        NotFound: There is no such folder.
        InvalidValue: It is no complete export, or one of another kind.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise NotFound(f"there is no folder {folder}")
        manifest = read_manifest(folder)
        if manifest.about.tables != "directory":
            raise InvalidValue(
                f"{folder} was made by `steno export {manifest.about.tables}`, which cannot be read back"
            )
        self.identity = str(folder.resolve())
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.places = Places()
        self._folder, self._manifest = folder, manifest
        self._names: dict[str, str] = {}
        self._files: dict[str, list[File]] = defaultdict(list)
        for part in manifest.parts:
            self.problems += part.left
            for file in part.files:
                kind, _, rest = file.path.partition("/")
                if kind in (RUN_FILES, MODEL_FILES):
                    self._files[f"{kind}/{rest.partition('/')[0]}"].append(file)

    def experiments(self) -> Sequence[Experiment]:
        """Return all experiments, deleted ones too, lowest id first."""
        rows = [row for part in self._manifest.parts for row in self._rows(part, "experiments")]
        found = [msgspec.convert(row, Experiment) for row in rows]
        self._names = {each.experiment_id: each.name for each in found}
        return sorted(found, key=lambda each: (len(each.experiment_id), each.experiment_id))

    def count(self, names: Collection[str]) -> int | None:
        """Return how many runs there are, None if only some experiments are asked for."""
        if set(names) != set(self._names.values()):
            return None
        return sum(each.startswith("run ") for part in self._manifest.parts for each in part.done)

    def runs(self, names: Collection[str]) -> Iterator[ForeignRun]:
        """Yield the runs of the named experiments."""
        for part in self._manifest.parts:
            yield from self._runs_of(part, names)

    def models(self, names: Collection[str]) -> Iterator[ForeignModel]:
        """Yield the logged models of the named experiments."""
        for part in self._manifest.parts:
            for row in self._rows(part, "models"):
                model = msgspec.convert(row, LoggedModel, strict=False)  # NaN is a text in JSON
                if (name := self._names.get(model.experiment_id, "")) not in names:
                    continue
                self.places.of[model.model_id] = model.artifact_location
                problems: list[str] = []
                files = self._artifacts(f"{MODEL_FILES}/{model.model_id}", problems)
                yield ForeignModel(model, name, files or None, problems)

    def registrations(self) -> Iterator[ForeignRegistration]:
        """Yield the registered models."""
        versions: dict[str, list[ModelVersion]] = defaultdict(list)
        for part in self._manifest.parts:
            for row in self._rows(part, "model_versions"):
                version = msgspec.convert(row, ModelVersion)
                versions[version.name].append(version)
        for part in self._manifest.parts:
            for row in self._rows(part, "registered_models"):
                model = msgspec.convert(row, RegisteredModel)
                yield ForeignRegistration(model, versions[model.name])

    def close(self) -> None:
        """Release nothing: files are open only while they are read."""

    def _runs_of(self, part: Part, names: Collection[str]) -> Iterator[ForeignRun]:
        heads = [msgspec.convert(row, RunInfo) for row in self._rows(part, "runs")]
        damaged: list[str] = []  # told of each run: one that lacks something is not complete
        of = {table: self._by_run(part, table, damaged) for table in ("params", "tags", "inputs", "run_models")}
        points = _Points(self._table(part, METRICS, damaged), [head.run_id for head in heads])
        for head in heads:
            if (name := self._names.get(head.experiment_id, "")) not in names:
                continue
            run_id, problems = head.run_id, list(damaged)
            self.places.of[run_id] = head.artifact_uri
            models = of["run_models"].get(run_id, ())
            yield ForeignRun(
                key=run_id,
                run_id=run_id,
                experiment=name,
                name=head.run_name,
                status=head.status,
                start_time=head.start_time,
                end_time=head.end_time,
                user=head.user_id,
                deleted=head.lifecycle_stage == LifecycleStage.DELETED,
                params={row["key"]: row["value"] for row in of["params"].get(run_id, ())},
                tags=own_tags({row["key"]: row["value"] for row in of["tags"].get(run_id, ())}),
                series=points.of(run_id),
                artifacts=self._artifacts(f"{RUN_FILES}/{run_id}", problems) or None,
                problems=problems,
                inputs=[_input(row) for row in of["inputs"].get(run_id, ())],
                model_inputs=[ModelInput(row["model_id"]) for row in models if row["role"] == "input"],
                outputs=[ModelOutput(row["model_id"], row["step"]) for row in models if row["role"] == "output"],
            )

    def _by_run(self, part: Part, table: str, problems: list[str]) -> dict[str, list[Row]]:
        rows = self._rows(part, table, problems)
        return {run_id: list(mine) for run_id, mine in groupby(rows, lambda row: str(row["run_id"]))}

    def _rows(self, part: Part, table: str, problems: list[str] | None = None) -> Iterator[Row]:
        path = self._table(part, table, self.problems if problems is None else problems)
        if path is not None:
            yield from read_rows(path)

    def _table(self, part: Part, table: str, problems: list[str]) -> Path | None:
        """The file of a table in a part, None if there is none or it is damaged."""
        wanted = f"{table}/{part.name}.jsonl"
        return next((self._whole(file, problems) for file in part.files if file.path == wanted), None)

    def _artifacts(self, place: str, problems: list[str]) -> dict[str, Path]:
        found = {}
        for file in self._files.get(place, ()):
            path = self._whole(file, problems)
            if path is not None:
                found[file.path[len(place) + 1 :]] = path
        return found

    def _whole(self, file: File, problems: list[str]) -> Path | None:
        path = self._folder / file.path
        try:
            with path.open("rb") as opened:
                digest = hashlib.file_digest(opened, "sha256").hexdigest()
        except OSError as error:
            problem = f"{file.path} cannot be read: {error.strerror}"
        else:
            if digest == file.sha256:
                return path
            problem = f"{file.path} is not as it was exported"
        if problem not in problems:
            problems.append(problem)
        return None


class _Points:
    """The points of a part's runs, which stand in the order of the runs; a run that is passed over is skipped."""

    def __init__(self, path: Path | None, order: Sequence[str]) -> None:
        self._points = read_points(path) if path is not None else iter(())
        self._place = {run_id: place for place, run_id in enumerate(order)}
        self._next: Point | None = next(self._points, None)

    def of(self, run_id: str) -> Iterator[Series]:
        """Yield the series of a run; to be read before those of the next one."""
        place = self._place[run_id]
        while self._next is not None and self._place[self._next.run_id] < place:
            self._next = next(self._points, None)
        series: Series | None = None
        while (point := self._next) is not None and point.run_id == run_id:
            if series is not None and (series.key != point.key or len(series) >= _POINTS_AT_ONCE):
                yield series
                series = None
            series = series or Series(point.key)
            series.append(point.step, point.timestamp, float(point.value))
            self._next = next(self._points, None)
        if series is not None:
            yield series


def _input(row: Row) -> DatasetInput:
    texts = {name: row[name] for name in ("name", "digest", "source_type", "source", "schema", "profile")}
    return DatasetInput(Dataset(**texts), tuple(InputTag(key, value) for key, value in row["tags"].items()))


class DirectoryImporter:
    """The importer of what `steno export directory` wrote."""

    def open(self, location: str) -> ExportedStore:
        """Return the store that is in a folder. Raises: NotFound, InvalidValue."""
        return ExportedStore(Path(location).expanduser())

    def runs(self, location: str) -> Iterator[ForeignRun]:
        """Yield its runs. Raises: as `open`."""
        store = self.open(location)
        return store.runs({each.name for each in store.experiments()})


importer = DirectoryImporter()
