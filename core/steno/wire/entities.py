"""What MLflow's wire calls an experiment, a run, a metric, a model: the shapes inside its messages.

A field that is None is left out, as the wire leaves out what is unset; so is an empty list that `outward` makes None.
Times are epoch milliseconds. A double is a number, or one of the texts "NaN", "Infinity", "-Infinity".
"""

from __future__ import annotations

from msgspec import Struct

Double = float | str


class Pair(Struct, frozen=True, omit_defaults=True, gc=False):
    """A tag or a param. A value that is missing means an empty text."""

    key: str
    value: str | None = None


class Metric(Struct, omit_defaults=True, gc=False):
    """One point; `run_id` only where a message holds points of several runs."""

    key: str
    value: Double
    timestamp: int | None = None
    step: int | None = None
    run_id: str | None = None
    model_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None


class Experiment(Struct, omit_defaults=True):
    """An experiment with its tags."""

    experiment_id: str
    name: str
    artifact_location: str | None = None
    lifecycle_stage: str | None = None
    last_update_time: int | None = None
    creation_time: int | None = None
    tags: list[Pair] | None = None


class RunInfo(Struct, omit_defaults=True):
    """The head of a run; `run_uuid` is its id under the old name."""

    run_id: str
    run_uuid: str | None = None
    run_name: str | None = None
    experiment_id: str | None = None
    user_id: str | None = None
    status: str | None = None
    start_time: int | None = None
    end_time: int | None = None
    artifact_uri: str | None = None
    lifecycle_stage: str | None = None


class RunData(Struct, omit_defaults=True):
    """The last value of each metric, the params and the tags."""

    metrics: list[Metric] | None = None
    params: list[Pair] | None = None
    tags: list[Pair] | None = None


class Dataset(Struct, omit_defaults=True):
    """The fingerprint of a dataset; JSON texts in `source`, `schema` and `profile`."""

    name: str
    digest: str
    source_type: str
    source: str
    schema: str | None = None
    profile: str | None = None


class DatasetInput(Struct, omit_defaults=True):
    """A dataset as a run used it."""

    dataset: Dataset
    tags: list[Pair] | None = None


class ModelInput(Struct):
    """A logged model that a run used."""

    model_id: str


class ModelOutput(Struct, omit_defaults=True):
    """A logged model that a run made."""

    model_id: str
    step: int | None = None


class RunInputs(Struct, omit_defaults=True):
    """What went into a run."""

    dataset_inputs: list[DatasetInput] | None = None
    model_inputs: list[ModelInput] | None = None


class RunOutputs(Struct, omit_defaults=True):
    """What came out of a run."""

    model_outputs: list[ModelOutput] | None = None


class Run(Struct, omit_defaults=True):
    """A run whole."""

    info: RunInfo
    data: RunData | None = None
    inputs: RunInputs | None = None
    outputs: RunOutputs | None = None


class FileInfo(Struct, omit_defaults=True):
    """One entry of a listing; a folder and an empty file have no size."""

    path: str
    is_dir: bool | None = None
    file_size: int | None = None


class DatasetSummary(Struct, omit_defaults=True):
    """A dataset that runs of an experiment used, and what for."""

    experiment_id: str
    name: str
    digest: str
    context: str | None = None


class DatasetRef(Struct, omit_defaults=True):
    """A dataset that metrics of logged models are narrowed to."""

    dataset_name: str | None = None
    dataset_digest: str | None = None


class ModelOrder(Struct, omit_defaults=True):
    """One key to order logged models by."""

    field_name: str
    ascending: bool | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None


class LoggedModelInfo(Struct, omit_defaults=True):
    """The head of a logged model; its tags are here."""

    model_id: str
    experiment_id: str | None = None
    name: str | None = None
    creation_timestamp_ms: int | None = None
    last_updated_timestamp_ms: int | None = None
    artifact_uri: str | None = None
    status: str | None = None
    model_type: str | None = None
    source_run_id: str | None = None
    status_message: str | None = None
    tags: list[Pair] | None = None


class LoggedModelData(Struct, omit_defaults=True):
    """The params of a logged model, and the points that were logged for it."""

    params: list[Pair] | None = None
    metrics: list[Metric] | None = None


class LoggedModel(Struct, omit_defaults=True):
    """A logged model whole."""

    info: LoggedModelInfo
    data: LoggedModelData | None = None


class Alias(Struct):
    """An alias of a registered model and the version it stands for."""

    alias: str
    version: str


class ModelVersion(Struct, omit_defaults=True):
    """One version of a registered model."""

    name: str
    version: str
    creation_timestamp: int | None = None
    last_updated_timestamp: int | None = None
    user_id: str | None = None
    current_stage: str | None = None
    description: str | None = None
    source: str | None = None
    run_id: str | None = None
    model_id: str | None = None
    status: str | None = None
    status_message: str | None = None
    run_link: str | None = None
    tags: list[Pair] | None = None
    aliases: list[str] | None = None


class RegisteredModel(Struct, omit_defaults=True):
    """A name with the highest version of each stage."""

    name: str
    creation_timestamp: int | None = None
    last_updated_timestamp: int | None = None
    description: str | None = None
    latest_versions: list[ModelVersion] | None = None
    tags: list[Pair] | None = None
    aliases: list[Alias] | None = None
