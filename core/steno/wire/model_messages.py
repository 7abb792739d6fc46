"""The messages of MLflow's wire about models: logged ones, registered ones and their versions."""

from __future__ import annotations

from steno.wire.entities import (
    DatasetRef,
    LoggedModel,
    ModelOrder,
    ModelVersion,
    Pair,
    RegisteredModel,
)
from steno.wire.messages import Enum, Message, Number

# -- logged models -------------------------------------------------------------------------------------------


class CreateLoggedModel(Message, kw_only=True):
    """Ask for a new logged model."""

    experiment_id: str
    name: str | None = None
    model_type: str | None = None
    source_run_id: str | None = None
    params: list[Pair] | None = None
    tags: list[Pair] | None = None


class LoggedModelId(Message, kw_only=True):
    """Name a logged model, in the path."""

    model_id: str = ""
    allow_deleted: bool | None = None


class FinalizeLoggedModel(Message, kw_only=True):
    """Say whether a logged model's files are all there."""

    model_id: str = ""
    status: Enum


class SearchLoggedModels(Message, kw_only=True):
    """Search the logged models of experiments."""

    experiment_ids: list[str] | None = None
    filter: str | None = None
    datasets: list[DatasetRef] | None = None
    max_results: int | None = None
    order_by: list[ModelOrder] | None = None
    page_token: str | None = None


class LoggedModelTags(Message, kw_only=True):
    """Set tags of a logged model."""

    model_id: str = ""
    tags: list[Pair] | None = None


class LoggedModelTagKey(Message, kw_only=True):
    """Name a tag of a logged model, in the path."""

    model_id: str = ""
    key: str = ""


class LoggedModelParams(Message, kw_only=True):
    """Add params to a logged model."""

    model_id: str = ""
    params: list[Pair] | None = None


class LoggedModelFolder(Message, kw_only=True):
    """Ask what a folder among a logged model's files holds."""

    model_id: str = ""
    artifact_directory_path: str | None = None
    page_token: str | None = None


class LoggedModelAnswer(Message, kw_only=True):
    """One logged model."""

    model: LoggedModel


class LoggedModelsAnswer(Message, kw_only=True):
    """A page of logged models."""

    models: list[LoggedModel] | None = None
    next_page_token: str | None = None


# -- registered models ---------------------------------------------------------------------------------------


class ModelName(Message, kw_only=True):
    """Name a registered model."""

    name: str


class CreateModel(Message, kw_only=True):
    """Ask for a new registered model."""

    name: str
    tags: list[Pair] | None = None
    description: str | None = None


class RenameModel(Message, kw_only=True):
    """Rename a registered model."""

    name: str
    new_name: str


class DescribeModel(Message, kw_only=True):
    """Describe a registered model; without a description the old one is cleared."""

    name: str
    description: str | None = None


class SearchRegistry(Message, kw_only=True):
    """Search registered models, or model versions."""

    filter: str | None = None
    max_results: int | None = None
    order_by: list[str] | None = None
    page_token: str | None = None


class LatestVersions(Message, kw_only=True):
    """Ask for the highest version of each stage."""

    name: str
    stages: list[str] | None = None


class ModelTag(Message, kw_only=True):
    """Set a tag of a registered model."""

    name: str
    key: str
    value: str | None = None


class ModelTagKey(Message, kw_only=True):
    """Name a tag of a registered model."""

    name: str
    key: str


class ModelAlias(Message, kw_only=True):
    """Name an alias of a registered model."""

    name: str
    alias: str


class SetAlias(Message, kw_only=True):
    """Let an alias stand for a version."""

    name: str
    alias: str
    version: Number


class ModelAnswer(Message, kw_only=True):
    """One registered model."""

    registered_model: RegisteredModel


class ModelsAnswer(Message, kw_only=True):
    """A page of registered models."""

    registered_models: list[RegisteredModel] | None = None
    next_page_token: str | None = None


# -- model versions ------------------------------------------------------------------------------------------


class VersionId(Message, kw_only=True):
    """Name a version."""

    name: str
    version: Number


class CreateVersion(Message, kw_only=True):
    """Ask for the next version of a registered model."""

    name: str
    source: str
    run_id: str | None = None
    tags: list[Pair] | None = None
    run_link: str | None = None
    description: str | None = None
    model_id: str | None = None


class DescribeVersion(Message, kw_only=True):
    """Describe a version; without a description the old one is cleared."""

    name: str
    version: Number
    description: str | None = None


class TransitionStage(Message, kw_only=True):
    """Move a version to a stage."""

    name: str
    version: Number
    stage: str
    archive_existing_versions: bool | None = None


class VersionTag(Message, kw_only=True):
    """Set a tag of a version."""

    name: str
    version: Number
    key: str
    value: str | None = None


class VersionTagKey(Message, kw_only=True):
    """Name a tag of a version."""

    name: str
    version: Number
    key: str


class VersionAnswer(Message, kw_only=True):
    """One version."""

    model_version: ModelVersion


class VersionsAnswer(Message, kw_only=True):
    """A page of versions."""

    model_versions: list[ModelVersion] | None = None
    next_page_token: str | None = None


class DownloadUriAnswer(Message, kw_only=True):
    """Where a version's files are."""

    artifact_uri: str
