"""Models as plain data: logged ones, registered ones with their versions, and who changed what when.

Field names are MLflow's where MLflow has the thing. All times are epoch milliseconds, versions texts of whole numbers.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct, field

from steno.records import LifecycleStage, Metric


class LoggedModelStatus(StrEnum):
    """Whether a logged model's files are all there, under MLflow's names."""

    UNSPECIFIED = "UNSPECIFIED"
    PENDING = "PENDING"
    READY = "READY"
    FAILED = "FAILED"


class LoggedModel(Struct, frozen=True):
    """A model as it was logged: an entity of its own, which outlives its run.

    Attributes:
        artifact_location: Where its files are, and no other model's.
        source_run_id: The run that made it, None if none did.
        metrics: Points that were logged for it, each with its run, step and dataset; of a longer series the last ones.
    """

    experiment_id: str
    model_id: str
    name: str
    artifact_location: str
    creation_timestamp: int = 0
    last_updated_timestamp: int = 0
    model_type: str | None = None
    source_run_id: str | None = None
    status: str = LoggedModelStatus.PENDING
    status_message: str | None = None
    lifecycle_stage: str = LifecycleStage.ACTIVE
    tags: dict[str, str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    metrics: list[Metric] = field(default_factory=list)

    @property
    def model_uri(self) -> str:
        """What names it wherever a model is asked for."""
        return f"models:/{self.model_id}"


class Stage(StrEnum):
    """Where a version stands, under MLflow's names. `NONE` is written "None"."""

    NONE = "None"
    STAGING = "Staging"
    PRODUCTION = "Production"
    ARCHIVED = "Archived"


class ModelVersionStatus(StrEnum):
    """Whether a version can be used."""

    PENDING_REGISTRATION = "PENDING_REGISTRATION"
    FAILED_REGISTRATION = "FAILED_REGISTRATION"
    READY = "READY"


class ModelVersion(Struct, frozen=True):
    """One version of a registered model: what is at `source`, and what it came from.

    Attributes:
        source: A URI of the model's files: an artifact URI, `runs:/…`, `models:/<model id>`, or, where it is a copy,
            `models:/<name>/<version>`.
        location: Where the files are if `source` is no more than a name for them: of a copy, what it was copied from in
            the first place, so that it outlives what it was copied from. Empty where it is `source`.
        run_id, model_id: What made it; empty where it is not known.
    """

    name: str
    version: str
    source: str = ""
    location: str = ""
    run_id: str = ""
    model_id: str = ""
    current_stage: str = Stage.NONE
    description: str = ""
    user_id: str = ""
    status: str = ModelVersionStatus.READY
    status_message: str = ""
    run_link: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    aliases: list[str] = field(default_factory=list)
    creation_timestamp: int = 0
    last_updated_timestamp: int = 0


class RegisteredModel(Struct, frozen=True):
    """A name with its versions.

    Attributes:
        aliases: The version that each alias stands for.
        latest_versions: The highest version of each stage that has one.
    """

    name: str
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    latest_versions: list[ModelVersion] = field(default_factory=list)
    creation_timestamp: int = 0
    last_updated_timestamp: int = 0


class Change(StrEnum):
    """What an entry of the audit trail tells of."""

    MODEL_CREATED = "model created"
    MODEL_RENAMED = "model renamed"
    MODEL_DESCRIBED = "model described"
    MODEL_DELETED = "model deleted"
    MODEL_TAG = "model tag"
    VERSION_CREATED = "version created"
    VERSION_DESCRIBED = "version described"
    VERSION_DELETED = "version deleted"
    VERSION_TAG = "version tag"
    STAGE = "stage"
    ALIAS = "alias"


class RegistryEvent(Struct, frozen=True):
    """One change, as the audit trail keeps it for good, also after what it speaks of is deleted or renamed.

    Attributes:
        number: Rises with each event of the store; no two have the same.
        time_ms: When, by the clock of the store's host.
        user: Who; empty where it is not known.
        name: The model's name at that time.
        version: The version that was changed; for an alias the one it stands for from now on; empty for a model.
        change: What was changed.
        key: Which alias or tag.
        before, after: The value, None where there is none: of a stage, a tag, a description, the name; of an alias the
            version; of a version that is created or deleted its source.
    """

    number: int
    time_ms: int
    user: str
    name: str
    change: str
    version: str = ""
    key: str = ""
    before: str | None = None
    after: str | None = None
