"""Records as MLflow's wire shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from steno.model_records import LoggedModel, LoggedModelStatus, ModelVersion, RegisteredModel
from steno.records import DatasetInput, Experiment, FileInfo, Run, RunData, RunInfo, RunInputs, Series
from steno.wire import entities
from steno.wire.coding import double


def pairs(texts: Mapping[str, str]) -> list[entities.Pair] | None:
    """Return tags or params."""
    return [entities.Pair(key, value) for key, value in texts.items()] or None


def experiment(record: Experiment) -> entities.Experiment:
    """Return an experiment."""
    return entities.Experiment(
        experiment_id=record.experiment_id,
        name=record.name,
        artifact_location=record.artifact_location,
        lifecycle_stage=record.lifecycle_stage,
        last_update_time=record.last_update_time,
        creation_time=record.creation_time,
        tags=pairs(record.tags),
    )


def run(record: Run) -> entities.Run:
    """Return a run whole."""
    made = [entities.ModelOutput(each.model_id, each.step) for each in record.outputs.model_outputs]
    return entities.Run(
        run_info(record.info),
        run_data(record.data),
        run_inputs(record.inputs),
        entities.RunOutputs(made or None),
    )


def run_info(record: RunInfo) -> entities.RunInfo:
    """Return the head of a run."""
    return entities.RunInfo(
        run_id=record.run_id,
        run_uuid=record.run_id,
        run_name=record.run_name,
        experiment_id=record.experiment_id,
        user_id=record.user_id,
        status=record.status,
        start_time=record.start_time,
        end_time=record.end_time,
        artifact_uri=record.artifact_uri,
        lifecycle_stage=record.lifecycle_stage,
    )


def run_data(record: RunData) -> entities.RunData:
    """Return what a run recorded, of each metric the last point."""
    metric, kept = entities.Metric, record.summaries
    metrics = []
    for key, value in record.metrics.items():
        summary = kept.get(key)
        if summary is None:
            metrics.append(metric(key, double(value), 0, 0))
        else:
            metrics.append(metric(key, double(value), summary.last_time, summary.last_step))
    return entities.RunData(metrics or None, pairs(record.params), pairs(record.tags))


def run_inputs(record: RunInputs) -> entities.RunInputs:
    """Return what went into a run."""
    models = [entities.ModelInput(each.model_id) for each in record.model_inputs]
    return entities.RunInputs([dataset_input(each) for each in record.dataset_inputs] or None, models or None)


def dataset_input(record: DatasetInput) -> entities.DatasetInput:
    """Return a dataset as a run used it."""
    known = record.dataset
    dataset = entities.Dataset(
        known.name, known.digest, known.source_type, known.source, known.schema or None, known.profile or None
    )
    return entities.DatasetInput(dataset, [entities.Pair(tag.key, tag.value) for tag in record.tags] or None)


def metrics(series: Series, run_id: str | None = None) -> list[entities.Metric]:
    """Return the points of a series in the order they were logged."""
    metric, key = entities.Metric, series.key
    columns = zip(series.values, series.times, series.steps, strict=True)
    return [metric(key, double(value), time_ms, step, run_id) for value, time_ms, step in columns]


def files(records: Iterable[FileInfo], below: str = "") -> list[entities.FileInfo] | None:
    """Return entries of a folder, their paths relative to `below`, a key that ends in "/"."""
    return [
        entities.FileInfo(each.path.removeprefix(below), each.is_dir, each.file_size or None) for each in records
    ] or None


_MODEL_STATUSES = {
    LoggedModelStatus.UNSPECIFIED: "LOGGED_MODEL_STATUS_UNSPECIFIED",
    LoggedModelStatus.PENDING: "LOGGED_MODEL_PENDING",
    LoggedModelStatus.READY: "LOGGED_MODEL_READY",
    LoggedModelStatus.FAILED: "LOGGED_MODEL_UPLOAD_FAILED",
}


def logged_model_status(status: str) -> str:
    """Return how a logged model stands, in the wire's words."""
    return _MODEL_STATUSES[LoggedModelStatus(status)]


def logged_model(record: LoggedModel) -> entities.LoggedModel:
    """Return a logged model whole."""
    info = entities.LoggedModelInfo(
        model_id=record.model_id,
        experiment_id=record.experiment_id,
        name=record.name,
        creation_timestamp_ms=record.creation_timestamp,
        last_updated_timestamp_ms=record.last_updated_timestamp,
        artifact_uri=record.artifact_location,
        status=logged_model_status(record.status),
        model_type=record.model_type,
        source_run_id=record.source_run_id,
        status_message=record.status_message,
        tags=pairs(record.tags),
    )
    points = [
        entities.Metric(
            each.key,
            double(each.value),
            each.timestamp,
            each.step,
            each.run_id,
            each.model_id or record.model_id,
            each.dataset_name,
            each.dataset_digest,
        )
        for each in record.metrics
    ]
    return entities.LoggedModel(info, entities.LoggedModelData(pairs(record.params), points or None))


def registered_model(record: RegisteredModel) -> entities.RegisteredModel:
    """Return a registered model."""
    return entities.RegisteredModel(
        name=record.name,
        creation_timestamp=record.creation_timestamp,
        last_updated_timestamp=record.last_updated_timestamp,
        description=record.description or None,
        latest_versions=[model_version(each) for each in record.latest_versions] or None,
        tags=pairs(record.tags),
        aliases=[entities.Alias(alias, version) for alias, version in record.aliases.items()] or None,
    )


def model_version(record: ModelVersion) -> entities.ModelVersion:
    """Return a version."""
    return entities.ModelVersion(
        name=record.name,
        version=record.version,
        creation_timestamp=record.creation_timestamp,
        last_updated_timestamp=record.last_updated_timestamp,
        user_id=record.user_id or None,
        current_stage=record.current_stage,
        description=record.description or None,
        source=record.source,
        run_id=record.run_id or None,
        model_id=record.model_id or None,
        status=record.status,
        status_message=record.status_message or None,
        run_link=record.run_link or None,
        tags=pairs(record.tags),
        aliases=record.aliases or None,
    )
