"""What MLflow's wire shows, as records.

What a message leaves out becomes the record's default. Raises: InvalidValue for a number that is none.
"""

from __future__ import annotations

from collections.abc import Iterable

from steno.model_records import LoggedModel, LoggedModelStatus, ModelVersion, ModelVersionStatus, RegisteredModel, Stage
from steno.records import (
    Dataset,
    DatasetInput,
    Experiment,
    FileInfo,
    InputTag,
    LifecycleStage,
    Metric,
    ModelInput,
    ModelOutput,
    Run,
    RunData,
    RunInfo,
    RunInputs,
    RunOutputs,
    RunStatus,
    Series,
)
from steno.wire import entities
from steno.wire.coding import undouble


def texts(pairs: Iterable[entities.Pair] | None) -> dict[str, str]:
    """Return tags or params; of a key that comes twice the last counts."""
    return {pair.key: pair.value or "" for pair in pairs or ()}


def experiment(shown: entities.Experiment) -> Experiment:
    """Return an experiment."""
    return Experiment(
        experiment_id=shown.experiment_id,
        name=shown.name,
        artifact_location=shown.artifact_location or "",
        lifecycle_stage=shown.lifecycle_stage or LifecycleStage.ACTIVE,
        tags=texts(shown.tags),
        creation_time=shown.creation_time or 0,
        last_update_time=shown.last_update_time or 0,
    )


def run(shown: entities.Run) -> Run:
    """Return a run. It has no summaries: the wire tells the last point of a metric only."""
    return Run(run_info(shown.info), run_data(shown.data), run_inputs(shown.inputs), run_outputs(shown.outputs))


def run_info(shown: entities.RunInfo) -> RunInfo:
    """Return the head of a run."""
    return RunInfo(
        run_id=shown.run_id,
        experiment_id=shown.experiment_id or "",
        run_name=shown.run_name or "",
        status=shown.status or RunStatus.RUNNING,
        start_time=shown.start_time or 0,
        end_time=shown.end_time,
        user_id=shown.user_id or "",
        artifact_uri=shown.artifact_uri or "",
        lifecycle_stage=shown.lifecycle_stage or LifecycleStage.ACTIVE,
    )


def run_data(shown: entities.RunData | None) -> RunData:
    """Return what a run recorded."""
    if shown is None:
        return RunData()
    metrics = {metric.key: undouble(metric.value) for metric in shown.metrics or ()}
    return RunData(metrics, texts(shown.params), texts(shown.tags))


def run_inputs(shown: entities.RunInputs | None) -> RunInputs:
    """Return what went into a run."""
    if shown is None:
        return RunInputs()
    models = [ModelInput(each.model_id) for each in shown.model_inputs or ()]
    return RunInputs([dataset_input(each) for each in shown.dataset_inputs or ()], models)


def run_outputs(shown: entities.RunOutputs | None) -> RunOutputs:
    """Return what came out of a run."""
    made = (shown.model_outputs if shown else None) or ()
    return RunOutputs([ModelOutput(each.model_id, each.step or 0) for each in made])


def dataset_input(shown: entities.DatasetInput) -> DatasetInput:
    """Return a dataset as a run used it."""
    known = shown.dataset
    dataset = Dataset(
        known.name, known.digest, known.source_type, known.source, known.schema or "", known.profile or ""
    )
    return DatasetInput(dataset, tuple(InputTag(tag.key, tag.value or "") for tag in shown.tags or ()))


def series(key: str, shown: Iterable[entities.Metric] | None) -> Series:
    """Return the points of one metric, in their order."""
    found = Series(key)
    for metric in shown or ():
        found.append(metric.step or 0, metric.timestamp or 0, undouble(metric.value))
    return found


def files(shown: Iterable[entities.FileInfo] | None, below: str = "") -> list[FileInfo]:
    """Return entries of a folder, `below` put before their paths."""
    return [
        FileInfo(below + each.path, bool(each.is_dir), None if each.is_dir else each.file_size or 0)
        for each in shown or ()
    ]


def metric(shown: entities.Metric) -> Metric:
    """Return a point with all that it says of its run, model and dataset."""
    return Metric(
        shown.key,
        undouble(shown.value),
        shown.timestamp or 0,
        shown.step or 0,
        shown.dataset_name,
        shown.dataset_digest,
        shown.model_id,
        shown.run_id,
    )


def logged_model_status(status: str | int | None) -> str:
    """Return how a logged model stands, from the wire's word or number; what is not known is UNSPECIFIED."""
    if isinstance(status, int):
        known = list(LoggedModelStatus)
        return known[status] if 0 <= status < len(known) else LoggedModelStatus.UNSPECIFIED
    word = (status or "").removeprefix("LOGGED_MODEL_").removeprefix("UPLOAD_")
    return LoggedModelStatus(word) if word in set(LoggedModelStatus) else LoggedModelStatus.UNSPECIFIED


def logged_model(shown: entities.LoggedModel) -> LoggedModel:
    """Return a logged model whole."""
    info, data = shown.info, shown.data or entities.LoggedModelData()
    return LoggedModel(
        experiment_id=info.experiment_id or "",
        model_id=info.model_id,
        name=info.name or "",
        artifact_location=info.artifact_uri or "",
        creation_timestamp=info.creation_timestamp_ms or 0,
        last_updated_timestamp=info.last_updated_timestamp_ms or 0,
        model_type=info.model_type,
        source_run_id=info.source_run_id,
        status=logged_model_status(info.status),
        status_message=info.status_message,
        tags=texts(info.tags),
        params=texts(data.params),
        metrics=[metric(each) for each in data.metrics or ()],
    )


def registered_model(shown: entities.RegisteredModel) -> RegisteredModel:
    """Return a registered model."""
    return RegisteredModel(
        name=shown.name,
        description=shown.description or "",
        tags=texts(shown.tags),
        aliases={each.alias: each.version for each in shown.aliases or ()},
        latest_versions=[model_version(each) for each in shown.latest_versions or ()],
        creation_timestamp=shown.creation_timestamp or 0,
        last_updated_timestamp=shown.last_updated_timestamp or 0,
    )


def model_version(shown: entities.ModelVersion) -> ModelVersion:
    """Return a version."""
    return ModelVersion(
        name=shown.name,
        version=shown.version,
        source=shown.source or "",
        run_id=shown.run_id or "",
        model_id=shown.model_id or "",
        current_stage=shown.current_stage or Stage.NONE,
        description=shown.description or "",
        user_id=shown.user_id or "",
        status=shown.status or ModelVersionStatus.READY,
        status_message=shown.status_message or "",
        run_link=shown.run_link or "",
        tags=texts(shown.tags),
        aliases=list(shown.aliases or ()),
        creation_timestamp=shown.creation_timestamp or 0,
        last_updated_timestamp=shown.last_updated_timestamp or 0,
    )
