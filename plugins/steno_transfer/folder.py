"""A folder `mlruns`, read whole: MLflow's store of small files. Source: the files that MLflow 3.17 writes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from steno.contracts.importing import Artifacts, ForeignRun
from steno.errors import InvalidValue, NotFound
from steno.model_records import LoggedModel, LoggedModelStatus, ModelVersion, RegisteredModel
from steno.records import (
    Dataset,
    DatasetInput,
    Experiment,
    InputTag,
    LifecycleStage,
    Metric,
    ModelInput,
    ModelOutput,
    RunStatus,
    Series,
    Tags,
)

from steno_transfer.carrier import own_tags
from steno_transfer.locations import artifacts_at
from steno_transfer.whole import ForeignModel, ForeignRegistration, Places

META = "meta.yaml"
TRASH = ".trash"
POINTS_AT_ONCE = 20_000
_REGISTRY = "models"
_DELETED_VERSION = "Deleted_Internal"
_STATUSES = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Folder:
    """A `WholeStore` in a folder `mlruns`.

    Args:
        path: The folder. Raises: NotFound, InvalidValue.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()
        self.identity = str(self._path)
        self.places = Places()
        self.problems: list[str] = []
        self.notes: list[str] = []
        if not self._path.is_dir():
            raise NotFound(f"there is no folder {path}")
        if not any(self._path.glob(f"*/{META}")) and not any(self._path.glob(f"{TRASH}/*/{META}")):
            raise InvalidValue(f"{path} is no folder of MLflow's: nothing in it has a {META}; give the folder mlruns")
        self._experiments: list[tuple[Path, Experiment]] | None = None

    def experiments(self) -> Sequence[Experiment]:
        return [experiment for _, experiment in self._found()]

    def _found(self) -> list[tuple[Path, Experiment]]:
        if self._experiments is None:
            folders = [*self._path.iterdir(), *_below(self._path / TRASH)]
            found = [self._experiment(each) for each in sorted(folders, key=_in_order) if self._is_experiment(each)]
            self._experiments = [each for each in found if each is not None]
        return self._experiments

    def _is_experiment(self, folder: Path) -> bool:
        return folder.is_dir() and folder.name not in (TRASH, _REGISTRY) and any(folder.iterdir())

    def _experiment(self, folder: Path) -> tuple[Path, Experiment] | None:
        try:
            meta = _meta(folder)
        except InvalidValue as error:
            self.problems.append(f"experiment {folder.name}: {error}")
            return None
        trashed = folder.parent.name == TRASH
        tags = _texts(folder / "tags", self.problems)
        return folder, Experiment(
            folder.name, str(meta.get("name", folder.name)), meta.get("artifact_location") or "",
            LifecycleStage.DELETED if trashed else meta.get("lifecycle_stage") or LifecycleStage.ACTIVE,
            tags, meta.get("creation_time") or 0, meta.get("last_update_time") or 0,
        )  # fmt: skip

    def _run_folders(self, names: Collection[str]) -> Iterator[tuple[str, Path]]:
        for folder, experiment in self._found():
            if experiment.name in names:
                for each in _below(folder):
                    if each.is_dir() and each.name not in ("tags", "datasets", "models", "traces"):
                        yield experiment.name, each

    def count(self, names: Collection[str]) -> int:
        return sum(1 for _ in self._run_folders(names))

    def runs(self, names: Collection[str]) -> Iterator[ForeignRun]:
        for experiment, folder in self._run_folders(names):
            problems: list[str] = []
            try:
                meta = _meta(folder)
            except InvalidValue as error:
                problems.append(f"{error}; when it began, ended and how are not known")
                meta = {}
            yield self._run(experiment, folder, meta, problems)

    def _run(self, experiment: str, folder: Path, meta: dict[str, Any], problems: list[str]) -> ForeignRun:
        tags = _texts(folder / "tags", problems)
        params = _texts(folder / "params", problems)
        where = meta.get("artifact_uri") or str(folder / "artifacts")
        self.places.of[folder.name] = where
        status = meta.get("status", 3)
        return ForeignRun(
            key=folder.name,
            run_id=folder.name,
            experiment=experiment,
            name=meta.get("run_name") or tags.get(Tags.RUN_NAME, ""),
            user=meta.get("user_id") or tags.get(Tags.USER, ""),
            status=_STATUSES.get(status, RunStatus.FINISHED) if isinstance(status, int) else str(status),
            start_time=meta.get("start_time") or 0,
            end_time=meta.get("end_time"),
            params=params,
            tags=own_tags(tags),
            series=_series(folder / "metrics", problems),
            artifacts=self._artifacts(where, folder / "artifacts", problems),
            problems=problems,
            deleted=meta.get("lifecycle_stage") == LifecycleStage.DELETED,
            inputs=_inputs(folder, problems),
            model_inputs=[ModelInput(each["destination_id"]) for each in _links(folder / "inputs", "MODEL_INPUT")],
            outputs=[
                ModelOutput(each["destination_id"], each.get("step") or 0)
                for each in _links(folder / "outputs", "MODEL_OUTPUT")
            ],
        )

    def _artifacts(self, where: str, beside: Path, problems: list[str]) -> Artifacts | None:
        try:
            return artifacts_at(where, self._path.parent, beside)
        except InvalidValue as error:
            problems.append(str(error))
            return None

    # -- models --------------------------------------------------------------------------------------------

    def models(self, names: Collection[str]) -> Iterator[ForeignModel]:
        for folder, experiment in self._found():
            if experiment.name in names:
                for each in _below(folder / "models"):
                    if (each / META).exists():
                        yield self._model(experiment, each)

    def _model(self, experiment: Experiment, folder: Path) -> ForeignModel:
        problems: list[str] = []
        try:
            meta = _meta(folder)
        except InvalidValue as error:
            problems.append(str(error))
            meta = {}
        where = meta.get("artifact_location") or str(folder / "artifacts")
        self.places.of[folder.name] = where
        standing, status = list(LoggedModelStatus), meta.get("status", 0)
        tags, params = _texts(folder / "tags", problems), _texts(folder / "params", problems)
        model = LoggedModel(
            experiment.experiment_id, folder.name, str(meta.get("name", folder.name)), where,
            meta.get("creation_timestamp") or 0, meta.get("last_updated_timestamp") or 0, meta.get("model_type"),
            meta.get("source_run_id"), standing[status] if status in range(len(standing)) else standing[0],
            meta.get("status_message"), meta.get("lifecycle_stage") or LifecycleStage.ACTIVE,
            own_tags(tags), params, _model_points(folder, problems),
        )  # fmt: skip
        artifacts = self._artifacts(where, folder / "artifacts", problems)
        if artifacts is None and model.status == LoggedModelStatus.READY and not problems:
            problems.append(f"its files are not at {where}")
        return ForeignModel(model, experiment.name, artifacts, problems)

    def registrations(self) -> Iterator[ForeignRegistration]:
        for folder in _below(self._path / _REGISTRY):
            try:
                meta = _meta(folder)
            except InvalidValue as error:
                self.problems.append(f"registered model {folder.name}: {error}")
                continue
            aliases = _texts(folder / "aliases", self.problems)
            model = RegisteredModel(
                str(meta.get("name", folder.name)), meta.get("description") or "",
                _texts(folder / "tags", self.problems), {alias: each.strip() for alias, each in aliases.items()},
                creation_timestamp=meta.get("creation_timestamp") or 0,
                last_updated_timestamp=meta.get("last_updated_timestamp") or 0,
            )  # fmt: skip
            versions = [self._version(each) for each in _below(folder) if each.name.startswith("version-")]
            found = [each for each in versions if each is not None]
            yield ForeignRegistration(model, sorted(found, key=lambda each: int(each.version)))

    def _version(self, folder: Path) -> ModelVersion | None:
        try:
            meta = _meta(folder)
            number = int(meta["version"])
        except (InvalidValue, KeyError, ValueError) as error:
            self.problems.append(f"{folder.parent.name} {folder.name}: {error}")
            return None
        if meta.get("current_stage") == _DELETED_VERSION:
            return None
        tags = _texts(folder / "tags", self.problems)
        return ModelVersion(
            name=str(meta.get("name") or folder.parent.name),
            version=str(number),
            source=meta.get("source") or "",
            location=meta.get("storage_location") or "",
            run_id=meta.get("run_id") or "",
            model_id=meta.get("model_id") or "",
            current_stage=meta.get("current_stage") or "None",
            description=meta.get("description") or "",
            user_id=meta.get("user_id") or "",
            status=meta.get("status") or "READY",
            status_message=meta.get("status_message") or "",
            run_link=meta.get("run_link") or "",
            tags=tags,
            creation_timestamp=meta.get("creation_timestamp") or 0,
            last_updated_timestamp=meta.get("last_updated_timestamp") or 0,
        )

    def close(self) -> None:
        return


def _below(folder: Path) -> list[Path]:
    return sorted(folder.iterdir(), key=_in_order) if folder.is_dir() else []


def _in_order(path: Path) -> tuple[int, str]:
    return len(path.name), path.name


def _meta(folder: Path) -> dict[str, Any]:
    """Return what a folder's meta.yaml says. Raises: InvalidValue."""
    file = folder / META
    try:
        found = yaml.load(file.read_text("utf-8"), _LOADER)
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        reason = (
            "is missing" if isinstance(error, FileNotFoundError) else f"cannot be read: {' '.join(str(error).split())}"
        )
        raise InvalidValue(f"{file} {reason}") from error
    if not isinstance(found, dict):
        raise InvalidValue(f"{file} is empty or no mapping")
    return found


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path


def _texts(folder: Path, problems: list[str]) -> dict[str, str]:
    """Return the texts of files by their path below a folder."""
    found = {}
    for key, path in _files(folder):
        try:
            found[key] = path.read_bytes().decode("utf-8")
        except (OSError, UnicodeError) as error:
            problems.append(f"{path} cannot be read: {error}")
    return found


def _series(folder: Path, problems: list[str]) -> Iterator[Series]:
    """Yield the points of every metric, a line each: time, value and, since 1.0, step."""
    for key, path in _files(folder):
        series, damaged = Series(key), []
        try:
            with path.open(encoding="utf-8", errors="replace") as file:
                for number, line in enumerate(file, 1):
                    try:
                        time_ms, value, *step = line.split()
                        point = (int(step[0]) if step else 0, int(time_ms), float(value))
                        series.append(*point)
                    except (ValueError, OverflowError):
                        damaged.append(number)
                    if len(series) >= POINTS_AT_ONCE:
                        yield series
                        series = Series(key)
        except OSError as error:
            problems.append(f"{path} cannot be read: {error}")
        if damaged:
            more = f" and {len(damaged) - 1} more" if len(damaged) > 1 else ""
            problems.append(f"line {damaged[0]}{more} of {path}: no time, value and step; the other lines were read")
        if len(series):
            yield series


def _model_points(folder: Path, problems: list[str]) -> list[Metric]:
    found = []
    for key, path in _files(folder / "metrics"):
        try:
            for line in path.read_text("utf-8").splitlines():
                time_ms, value, step, run_id, *dataset = line.split(" ")
                name, digest = (" ".join(dataset[:-1]), dataset[-1]) if len(dataset) > 1 else (None, None)
                found.append(Metric(key, float(value), int(time_ms), int(step), name, digest, folder.name, run_id))
        except (OSError, ValueError) as error:
            problems.append(f"{path} cannot be read to the end: {error}")
    return found


def _links(folder: Path, to: str) -> list[dict[str, Any]]:
    found = []
    for each in _below(folder):
        try:
            meta = _meta(each)
        except InvalidValue:
            continue  # said where the inputs are read
        if meta.get("destination_type") == to:
            found.append(meta)
    return found


def _inputs(folder: Path, problems: list[str]) -> list[DatasetInput]:
    found = []
    for each in _below(folder / "inputs"):
        try:
            link = _meta(each)
            if link.get("source_type") != "DATASET":
                continue
            about = _meta(folder.parent / "datasets" / str(link["source_id"]))
        except (InvalidValue, KeyError) as error:
            problems.append(f"a dataset: {error}")
            continue
        names = ("name", "digest", "source_type", "source", "schema", "profile")
        tags = tuple(InputTag(str(key), str(value)) for key, value in (link.get("tags") or {}).items())
        found.append(DatasetInput(Dataset(*(str(about.get(name) or "") for name in names)), tags))
    return found
