"""An MLflow database in a SQLite file, read whole. Source: the tables that MLflow 3.17 makes."""

from __future__ import annotations

import math
import sqlite3
import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from steno.contracts.importing import Artifacts, ForeignRun
from steno.errors import InvalidValue
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
from steno_transfer.tables import Tables
from steno_transfer.whole import ForeignModel, ForeignRegistration, Places

KNOWN_SCHEMAS = frozenset({"dc11669786a5"})
"""Schemas that were looked at; of another one the tables that are known are read."""
POINTS_AT_ONCE = 20_000
_DELETED_VERSION = "Deleted_Internal"
_NOT_KEPT = {
    "trace_info": "traces",
    "evaluation_datasets": "evaluation datasets",
    "scorers": "scorers",
    "webhooks": "webhooks",
    "endpoints": "gateway endpoints",
    "issues": "issues",
}
_RUN = (
    "run_uuid", "name", "user_id", "status", "start_time", "end_time", "lifecycle_stage", "artifact_uri",
    "source_type", "source_name", "source_version",
)  # fmt: skip
_MODEL = (
    "model_id", "name", "artifact_location", "creation_timestamp_ms", "last_updated_timestamp_ms", "status",
    "lifecycle_stage", "model_type", "source_run_id", "status_message",
)  # fmt: skip
_VERSION = (
    "version", "source", "storage_location", "run_id", "current_stage", "description", "user_id", "status",
    "status_message", "run_link", "creation_time", "last_updated_time",
)  # fmt: skip


class Database:
    """A `WholeStore` in a file `mlflow.db`.

    Args:
        path: The file. Raises: NotFound, InvalidValue.
    """

    def __init__(self, path: Path) -> None:
        self.identity = f"sqlite:///{path.resolve()}"
        self._tables = Tables(path)
        self._base = path.resolve().parent
        self.places = Places()
        self.problems: list[str] = []
        self.notes: list[str] = []
        self._look_round()

    def _look_round(self) -> None:
        """Note what the database holds that is not carried."""
        found = self._tables.some(self.problems, "the schema's version", "alembic_version", ("version_num",))
        for (version,) in found:
            if version not in KNOWN_SCHEMAS:
                self.notes.append(
                    f"the database has the schema {version}, which is not one of MLflow 3.17's: of the tables that are "
                    "known all was read; look whether anything is missing"
                )
        for table, what in _NOT_KEPT.items():
            if number := self._tables.count(table):
                self.problems.append(f"{number} {what}: steno does not keep such things")
        spaces = self._tables.some([], "", "workspaces", ("name",))
        if len(spaces) > 1:
            self.problems.append(
                f"{len(spaces) - 1} workspaces beside the default one: give each a database of its own"
            )

    def experiments(self) -> Sequence[Experiment]:
        columns = ("experiment_id", "name", "artifact_location", "lifecycle_stage", "creation_time", "last_update_time")
        where = "workspace = 'default'" if self._has_spaces() else "1"
        rows = self._tables.some(self.problems, "the experiments", "experiments", columns, where, order="experiment_id")
        return [
            Experiment(str(number), name, where or "", stage or LifecycleStage.ACTIVE, self._experiment_tags(number),
                       made or 0, changed or 0)
            for number, name, where, stage, made, changed in rows
        ]  # fmt: skip

    def _has_spaces(self) -> bool:
        return self._tables.has("experiments", "workspace")

    def _experiment_tags(self, number: int) -> dict[str, str]:
        return self._pairs(self.problems, "experiment_tags", "experiment_id", number, f"tags of experiment {number}")

    def count(self, names: Collection[str]) -> int:
        return sum(self._tables.count("runs", "experiment_id = ?", (each,)) for each in self._numbers(names).values())

    def _numbers(self, names: Collection[str]) -> dict[str, int]:
        return {each.name: int(each.experiment_id) for each in self.experiments() if each.name in names}

    def runs(self, names: Collection[str]) -> Iterator[ForeignRun]:
        for name, number in self._numbers(names).items():
            what = f"the runs of experiment {name!r}"
            rows = self._tables.some(self.problems, what, "runs", _RUN, "experiment_id = ?", (number,))
            yield from (self._run(name, *row) for row in rows)

    def _run(
        self, experiment: str, run_id: str, name: str | None, user: str | None, status: str | None, start: int | None,
        end: int | None, stage: str | None, where: str | None, *source: str | None,
    ) -> ForeignRun:  # fmt: skip
        problems: list[str] = []
        tags = own_tags(self._pairs(problems, "tags", "run_uuid", run_id, "tags"))
        for key, value in zip((Tags.SOURCE_TYPE, Tags.SOURCE_NAME, Tags.GIT_COMMIT), source, strict=True):
            if value and value != "UNKNOWN":  # where MLflow 0.x kept them
                tags.setdefault(key, value)
        self.places.of[run_id] = where or ""
        return ForeignRun(
            key=run_id,
            run_id=run_id,
            experiment=experiment,
            name=name or tags.get(Tags.RUN_NAME, ""),
            user=user or tags.get(Tags.USER, ""),
            status=status or RunStatus.FINISHED,
            start_time=start or 0,
            end_time=end,
            params=self._pairs(problems, "params", "run_uuid", run_id, "params"),
            tags=tags,
            series=self._series(run_id, problems),
            artifacts=self._artifacts(where, problems),
            problems=problems,
            deleted=stage == LifecycleStage.DELETED,
            inputs=self._inputs(run_id, problems),
            model_inputs=[ModelInput(each) for each, _ in self._links("RUN_INPUT", "MODEL_INPUT", run_id, problems)],
            outputs=[ModelOutput(*each) for each in self._links("RUN_OUTPUT", "MODEL_OUTPUT", run_id, problems)],
        )

    def _pairs(self, problems: list[str], table: str, key: str, value: Any, what: str) -> dict[str, str]:
        rows = self._tables.some(problems, what, table, ("key", "value"), f"{key} = ?", (value,))
        return {key: value or "" for key, value in rows}

    def _series(self, run_id: str, problems: list[str]) -> Iterator[Series]:
        """Yield the points as they were logged, in stretches that bound what is in memory."""
        columns = ("key", "step", "timestamp", "value", "is_nan")
        found: dict[str, Series] = {}
        size = 0
        try:
            for key, step, time_ms, value, is_nan in self._tables.rows("metrics", columns, "run_uuid = ?", (run_id,)):
                series = found.get(key)
                if series is None:
                    series = found[key] = Series(key)
                series.append(step or 0, time_ms, math.nan if is_nan else _infinite(value))
                size += 1
                if size >= POINTS_AT_ONCE:
                    yield from found.values()
                    found, size = {}, 0
        except sqlite3.DatabaseError as error:
            problems.append(f"metrics cannot be read to the end: {error}")
        yield from found.values()

    def _inputs(self, run_id: str, problems: list[str]) -> list[DatasetInput]:
        links = self._tables.some(
            problems, "inputs", "inputs", ("input_uuid", "source_id"),
            "source_type = 'DATASET' AND destination_type = 'RUN' AND destination_id = ?", (run_id,),
        )  # fmt: skip
        columns = ("name", "digest", "dataset_source_type", "dataset_source", "dataset_schema", "dataset_profile")
        found = []
        for link, dataset in links:
            tags = self._tables.some(problems, "inputs", "input_tags", ("name", "value"), "input_uuid = ?", (link,))
            for row in self._tables.some(problems, "inputs", "datasets", columns, "dataset_uuid = ?", (dataset,)):
                its = Dataset(*(value or "" for value in row))
                found.append(DatasetInput(its, tuple(InputTag(key, value) for key, value in tags)))
        return found

    def _links(self, kind: str, to: str, run_id: str, problems: list[str]) -> list[tuple[str, int]]:
        where = "source_type = ? AND source_id = ? AND destination_type = ?"
        columns = ("destination_id", "step")
        rows = self._tables.some(problems, "models", "inputs", columns, where, (kind, run_id, to))
        return [(model_id, step or 0) for model_id, step in rows]

    def _artifacts(self, where: str | None, problems: list[str]) -> Artifacts | None:
        try:
            return artifacts_at(where, self._base) if where else None
        except InvalidValue as error:
            problems.append(str(error))
            return None

    # -- models --------------------------------------------------------------------------------------------

    def models(self, names: Collection[str]) -> Iterator[ForeignModel]:
        for name, number in self._numbers(names).items():
            what = f"the logged models of experiment {name!r}"
            for row in self._tables.some(self.problems, what, "logged_models", _MODEL, "experiment_id = ?", (number,)):
                yield self._model(name, number, *row)

    def _model(
        self, experiment: str, number: int, model_id: str, name: str, where: str, made: int, changed: int, status: int,
        stage: str | None, kind: str | None, run_id: str | None, message: str | None,
    ) -> ForeignModel:  # fmt: skip
        problems: list[str] = []
        self.places.of[model_id] = where
        its = ("model_id = ?", (model_id,))
        tags = self._tables.some(problems, "tags", "logged_model_tags", ("tag_key", "tag_value"), *its)
        params = self._tables.some(problems, "params", "logged_model_params", ("param_key", "param_value"), *its)
        standing = list(LoggedModelStatus)
        model = LoggedModel(
            str(number), model_id, name, where, made, changed, kind, run_id,
            standing[status] if 0 <= status < len(standing) else LoggedModelStatus.UNSPECIFIED,
            message, stage or LifecycleStage.ACTIVE, own_tags(dict(tags)), dict(params),
            self._model_points(model_id, problems),
        )  # fmt: skip
        artifacts = self._artifacts(where, problems)
        if artifacts is None and model.status == LoggedModelStatus.READY:
            problems.append(f"its files are not at {where}")
        return ForeignModel(model, experiment, artifacts, problems)

    def _model_points(self, model_id: str, problems: list[str]) -> list[Metric]:
        columns = (
            "metric_name", "metric_value", "metric_timestamp_ms", "metric_step", "dataset_name", "dataset_digest",
            "run_id",
        )  # fmt: skip
        rows = self._tables.some(problems, "metrics", "logged_model_metrics", columns, "model_id = ?", (model_id,))
        return [
            Metric(key, math.nan if value is None else _infinite(value), time_ms, step, dataset, digest, model_id, run)
            for key, value, time_ms, step, dataset, digest, run in rows
        ]

    def registrations(self) -> Iterator[ForeignRegistration]:
        columns = ("name", "description", "creation_time", "last_updated_time")
        where = "workspace = 'default'" if self._has_spaces() else "1"
        rows = self._tables.some(self.problems, "the registered models", "registered_models", columns, where)
        for name, description, made, changed in rows:
            problems = self.problems
            tags = self._pairs(problems, "registered_model_tags", "name", name, f"tags of model {name!r}")
            aliases = self._tables.some(
                problems,
                f"aliases of model {name!r}",
                "registered_model_aliases",
                ("alias", "version"),
                "name = ?",
                (name,),
            )
            model = RegisteredModel(
                name, description or "", tags, {alias: str(version) for alias, version in aliases},
                creation_timestamp=made or 0, last_updated_timestamp=changed or 0,
            )  # fmt: skip
            yield ForeignRegistration(model, self._versions(name))

    def _versions(self, name: str) -> list[ModelVersion]:
        rows = self._tables.some(
            self.problems, f"versions of model {name!r}", "model_versions", _VERSION,
            "name = ? AND current_stage IS NOT ?", (name, _DELETED_VERSION), order="version",
        )  # fmt: skip
        found = []
        for version, source, location, run_id, stage, text, user, status, message, link, made, changed in rows:
            tags = self._tables.some(
                self.problems, f"tags of version {version} of model {name!r}", "model_version_tags", ("key", "value"),
                "name = ? AND version = ?", (name, version),
            )  # fmt: skip
            found.append(
                ModelVersion(
                    name, str(version), source or "", location or "", run_id or "", "",
                    stage or "None", text or "", user or "", status or "READY", message or "", link or "",
                    {key: value or "" for key, value in tags}, [], made or 0, changed or 0,
                )
            )  # fmt: skip
        return found

    def close(self) -> None:
        self._tables.close()


def _infinite(value: float) -> float:
    """Return what MLflow was told: it keeps infinities as the largest number there is."""
    return math.copysign(math.inf, value) if abs(value) == sys.float_info.max else value
