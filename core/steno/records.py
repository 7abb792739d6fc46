"""What is recorded, as plain data: experiments, runs, metrics, datasets and the batch that carries them.

Field names are MLflow's where MLflow has the thing. All times are epoch milliseconds.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Generic, TypeVar

from msgspec import Struct, field

T = TypeVar("T")

DEFAULT_EXPERIMENT_ID = "0"
DEFAULT_EXPERIMENT_NAME = "Default"


class RunStatus(StrEnum):
    """How a run stands. A process that vanished leaves KILLED, with the tag `steno.end_reason` = `lost`."""

    RUNNING = "RUNNING"
    SCHEDULED = "SCHEDULED"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"

    @property
    def terminal(self) -> bool:
        """Whether the run is over."""
        return self in (RunStatus.FINISHED, RunStatus.FAILED, RunStatus.KILLED)


class LifecycleStage(StrEnum):
    """Deleted things can be restored until `steno gc` removes them."""

    ACTIVE = "active"
    DELETED = "deleted"


class Tags:
    """The system tags, under MLflow's names where MLflow has the thing."""

    RUN_NAME = "mlflow.runName"
    USER = "mlflow.user"
    SOURCE_NAME = "mlflow.source.name"
    SOURCE_TYPE = "mlflow.source.type"
    GIT_COMMIT = "mlflow.source.git.commit"
    GIT_BRANCH = "mlflow.source.git.branch"
    GIT_REPO = "mlflow.source.git.repoURL"
    NOTE = "mlflow.note.content"
    PARENT_RUN_ID = "mlflow.parentRunId"
    AUTOLOGGING = "mlflow.autologging"
    LOGGED_ARTIFACTS = "mlflow.loggedArtifacts"
    LOGGED_IMAGES = "mlflow.loggedImages"
    LOG_MODEL_HISTORY = "mlflow.log-model.history"
    DATASET_CONTEXT = "mlflow.data.context"
    RUN_ID = "steno.run_id"  # the id that steno chose for a run whose server chose another
    MODEL_ID = "steno.model_id"  # likewise of a logged model
    ENVIRONMENT = "steno.environment"
    END_REASON = "steno.end_reason"
    ERROR = "steno.error"
    NOT_CAPTURED = "steno.not_captured"
    OVERHEAD_MS = "steno.overhead_ms"
    OVERHEAD_PERCENT = "steno.overhead_percent"


class Experiment(Struct, frozen=True):
    """A named set of runs with one place for their artifacts."""

    experiment_id: str
    name: str
    artifact_location: str
    lifecycle_stage: str = LifecycleStage.ACTIVE
    tags: dict[str, str] = field(default_factory=dict)
    creation_time: int = 0
    last_update_time: int = 0


class Metric(Struct, frozen=True):
    """One point of a series."""

    key: str
    value: float
    timestamp: int
    step: int = 0
    dataset_name: str | None = None
    dataset_digest: str | None = None
    model_id: str | None = None
    run_id: str | None = None


class Param(Struct, frozen=True):
    """One param: written once, stored as text."""

    key: str
    value: str


class RunTag(Struct, frozen=True):
    """One tag: text that may be set again and deleted."""

    key: str
    value: str


class InputTag(Struct, frozen=True):
    """A tag on the use of a dataset by a run."""

    key: str
    value: str


class Dataset(Struct, frozen=True):
    """The fingerprint of a dataset; `(experiment, name, digest)` identifies it. JSON texts as in MLflow."""

    name: str
    digest: str
    source_type: str
    source: str
    schema: str = ""
    profile: str = ""


class DatasetInput(Struct, frozen=True):
    """A dataset as used by a run; the tag `mlflow.data.context` says what for."""

    dataset: Dataset
    tags: tuple[InputTag, ...] = ()


class ModelInput(Struct, frozen=True):
    """A logged model that a run used."""

    model_id: str


class ModelOutput(Struct, frozen=True):
    """A logged model that a run produced at a step."""

    model_id: str
    step: int = 0


class MetricSummary(Struct, frozen=True):
    """What is kept exactly of a series: last as MLflow means it, the largest (step, timestamp, value).

    `min` and `max` leave NaN out; both are NaN when every value is.
    """

    count: int
    last: float
    last_step: int
    last_time: int
    min: float
    min_step: int
    max: float
    max_step: int


class MetricBucket(Struct, frozen=True):
    """A stretch of a series, thinned for a chart with its extremes and their steps kept."""

    first_step: int
    last_step: int
    count: int
    last: float
    min: float
    min_step: int
    max: float
    max_step: int


class RunInfo(Struct, frozen=True):
    """The head of a run."""

    run_id: str
    experiment_id: str
    run_name: str
    status: str = RunStatus.RUNNING
    start_time: int = 0
    end_time: int | None = None
    user_id: str = ""
    artifact_uri: str = ""
    lifecycle_stage: str = LifecycleStage.ACTIVE

    @property
    def run_uuid(self) -> str:
        """The id under its old name."""
        return self.run_id


class RunData(Struct, frozen=True):
    """What a run recorded; `metrics` holds the last value of each series, `summaries` its extremes."""

    metrics: dict[str, float] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    summaries: dict[str, MetricSummary] = field(default_factory=dict)


class RunInputs(Struct, frozen=True):
    """The datasets and models that went into a run."""

    dataset_inputs: list[DatasetInput] = field(default_factory=list)
    model_inputs: list[ModelInput] = field(default_factory=list)


class RunOutputs(Struct, frozen=True):
    """The models that came out of a run."""

    model_outputs: list[ModelOutput] = field(default_factory=list)


class Run(Struct, frozen=True):
    """A run as read from a store: a snapshot."""

    info: RunInfo
    data: RunData = field(default_factory=RunData)
    inputs: RunInputs = field(default_factory=RunInputs)
    outputs: RunOutputs = field(default_factory=RunOutputs)


class FileInfo(Struct, frozen=True):
    """One entry of an artifact listing; `path` is relative to the artifact root, `file_size` None for folders."""

    path: str
    is_dir: bool
    file_size: int | None = None


class Series(Struct):
    """A stretch of one metric as columns of equal length, in the order they were logged.

    `steps` and `times` are `array('q')`, `values` is `array('d')`.
    """

    key: str
    steps: array[int] = field(default_factory=lambda: array("q"))
    times: array[int] = field(default_factory=lambda: array("q"))
    values: array[float] = field(default_factory=lambda: array("d"))

    def __len__(self) -> int:
        return len(self.values)

    def append(self, step: int, time_ms: int, value: float) -> None:
        """Add one point."""
        self.steps.append(step)
        self.times.append(time_ms)
        self.values.append(value)

    def metrics(self) -> list[Metric]:
        """The points as entities."""
        key = self.key
        columns = zip(self.values, self.times, self.steps, strict=True)
        return [Metric(key, value, time_ms, step) for value, time_ms, step in columns]


class RunStart(Struct, frozen=True):
    """What creates a run."""

    experiment_id: str
    run_name: str
    start_time: int
    user_id: str = ""
    tags: dict[str, str] = field(default_factory=dict)


class RunChange(Struct, frozen=True):
    """A change to the head of a run; None leaves a field as it is."""

    status: str | None = None
    end_time: int | None = None
    run_name: str | None = None


class ModelStart(Struct, frozen=True):
    """What creates a logged model in a run: PENDING, in the run's experiment, with the run as its source.

    The run's params become the model's, and so does the last point of those of its metrics that end at `step`.

    Attributes:
        model_id: `m-` and 32 hex characters, chosen by who writes it.
        name: What it is called in the run; not unique.
        created: Epoch milliseconds.
        step: Of the run, at which it was made; it becomes an output of the run there.
        whole_run: Of each metric of the run the last point becomes the model's, whatever its step.
    """

    model_id: str
    name: str
    created: int
    step: int = 0
    model_type: str | None = None
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    whole_run: bool = False


class Token(Struct, frozen=True):
    """The stretch `[start, end)` of one writer's journal that a batch holds; makes a write repeatable."""

    writer_id: str
    start: int
    end: int


class Batch(Struct):
    """Everything one write carries for one run; applied whole or not at all.

    A gate may edit it in place. `children` are whole runs of their own (the candidates of a search),
    written in the same transaction. `models` begin their lives here; `model_points` are points of logged models,
    each with its `model_id`, and those that are the run's too are in `series` besides.
    """

    start: RunStart | None = None
    change: RunChange | None = None
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    deleted_tags: set[str] = field(default_factory=set)
    series: dict[str, Series] = field(default_factory=dict)
    inputs: list[DatasetInput] = field(default_factory=list)
    model_inputs: list[ModelInput] = field(default_factory=list)
    outputs: list[ModelOutput] = field(default_factory=list)
    models: list[ModelStart] = field(default_factory=list)
    model_points: list[Metric] = field(default_factory=list)
    children: list[tuple[str, Batch]] = field(default_factory=list)

    def add_metric(self, key: str, value: float, time_ms: int, step: int = 0) -> None:
        """Add one point to its series."""
        series = self.series.get(key)
        if series is None:
            series = self.series[key] = Series(key)
        series.append(step, time_ms, value)

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__struct_fields__)


class Page(list[T], Generic[T]):
    """A list with the token of the next page, None at the end."""

    def __init__(self, items: Iterable[T] = (), token: str | None = None) -> None:
        super().__init__(items)
        self.token = token


def as_builtins(record: Any) -> Any:
    """A record as dicts, lists and scalars, for JSON."""
    import msgspec

    return msgspec.to_builtins(record)
