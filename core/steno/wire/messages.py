"""The messages of MLflow's wire: what each call asks, and what it is answered.

A field without a default is required. None stands for what is not said. An enum may be a name or
MLflow's number for it, the number of a version a text or a number.
"""

from __future__ import annotations

from msgspec import Struct

from steno.wire.entities import (
    DatasetInput,
    DatasetSummary,
    Double,
    Experiment,
    FileInfo,
    Metric,
    ModelInput,
    ModelOutput,
    Pair,
    Run,
    RunInfo,
)

Enum = str | int
Number = str | int


class Message(Struct, omit_defaults=True):
    """One message."""


class Nothing(Message, kw_only=True):
    """A message without content."""


class OfRun(Message, kw_only=True):
    """What speaks of a run, under the new name of its id or the old one; clients send both."""

    run_id: str | None = None
    run_uuid: str | None = None


# -- experiments ---------------------------------------------------------------------------------------------


class CreateExperiment(Message, kw_only=True):
    """Ask for a new experiment."""

    name: str
    artifact_location: str | None = None
    tags: list[Pair] | None = None


class ExperimentId(Message, kw_only=True):
    """Name an experiment by its id; also the answer to `CreateExperiment`."""

    experiment_id: str


class ExperimentName(Message, kw_only=True):
    """Name an experiment by its name."""

    experiment_name: str


class UpdateExperiment(Message, kw_only=True):
    """Rename an experiment."""

    experiment_id: str
    new_name: str


class ExperimentTag(Message, kw_only=True):
    """Set a tag of an experiment."""

    experiment_id: str
    key: str
    value: str | None = None


class ExperimentTagKey(Message, kw_only=True):
    """Name a tag of an experiment."""

    experiment_id: str
    key: str


class SearchExperiments(Message, kw_only=True):
    """Search experiments; without `max_results` MLflow refuses."""

    max_results: int | None = None
    page_token: str | None = None
    filter: str | None = None
    order_by: list[str] | None = None
    view_type: Enum | None = None


class ExperimentAnswer(Message, kw_only=True):
    """One experiment."""

    experiment: Experiment


class ExperimentsAnswer(Message, kw_only=True):
    """A page of experiments."""

    experiments: list[Experiment] | None = None
    next_page_token: str | None = None


class SearchDatasets(Message, kw_only=True):
    """Ask which datasets the runs of experiments used."""

    experiment_ids: list[str] | None = None


class DatasetsAnswer(Message, kw_only=True):
    """Datasets in use."""

    dataset_summaries: list[DatasetSummary] | None = None


# -- runs ----------------------------------------------------------------------------------------------------


class CreateRun(Message, kw_only=True):
    """Ask for a new run."""

    experiment_id: str | None = None
    user_id: str | None = None
    run_name: str | None = None
    start_time: int | None = None
    tags: list[Pair] | None = None


class UpdateRun(OfRun, kw_only=True):
    """Change the head of a run."""

    status: Enum | None = None
    end_time: int | None = None
    run_name: str | None = None


class SearchRuns(Message, kw_only=True):
    """Search the runs of experiments."""

    experiment_ids: list[str] | None = None
    filter: str | None = None
    run_view_type: Enum | None = None
    max_results: int | None = None
    order_by: list[str] | None = None
    page_token: str | None = None


class LogMetric(OfRun, kw_only=True):
    """Record one point."""

    key: str
    value: Double
    timestamp: int
    step: int | None = None
    model_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None


class RunPair(OfRun, kw_only=True):
    """Record a param, or set a tag."""

    key: str
    value: str | None = None


class RunKey(OfRun, kw_only=True):
    """Name a tag of a run."""

    key: str


class LogBatch(OfRun, kw_only=True):
    """Record many things of one run."""

    metrics: list[Metric] | None = None
    params: list[Pair] | None = None
    tags: list[Pair] | None = None


class LogModel(OfRun, kw_only=True):
    """Tell of a model among a run's artifacts, as MLflow's clients before 3.0 do."""

    model_json: str


class LogInputs(OfRun, kw_only=True):
    """Record what went into a run."""

    datasets: list[DatasetInput] | None = None
    models: list[ModelInput] | None = None


class LogOutputs(OfRun, kw_only=True):
    """Record which models came out of a run."""

    models: list[ModelOutput]


class RunAnswer(Message, kw_only=True):
    """One run."""

    run: Run


class RunInfoAnswer(Message, kw_only=True):
    """The head of one run."""

    run_info: RunInfo


class RunsAnswer(Message, kw_only=True):
    """A page of runs."""

    runs: list[Run] | None = None
    next_page_token: str | None = None


class GetHistory(OfRun, kw_only=True):
    """Ask for a series; without `max_results` for all of it."""

    metric_key: str
    max_results: int | None = None
    page_token: str | None = None


class GetHistoryBulk(Message, kw_only=True):
    """Ask for one metric's series in several runs."""

    run_id: list[str] | None = None
    metric_key: str
    max_results: int | None = None


class GetHistoryBulkInterval(Message, kw_only=True):
    """Ask for one metric's series in several runs, at evenly spread steps of a range."""

    run_ids: list[str] | None = None
    metric_key: str
    start_step: int | None = None
    end_step: int | None = None
    max_results: int | None = None


class MetricsAnswer(Message, kw_only=True):
    """Points, perhaps a page of them."""

    metrics: list[Metric] | None = None
    next_page_token: str | None = None


class ListArtifacts(OfRun, kw_only=True):
    """Ask what a folder among a run's artifacts holds."""

    path: str | None = None
    page_token: str | None = None


class FilesAnswer(Message, kw_only=True):
    """Entries of a folder; `root_uri` where it is a run's."""

    root_uri: str | None = None
    files: list[FileInfo] | None = None
    next_page_token: str | None = None


class ListProxied(Message, kw_only=True):
    """Ask what a folder below the server's own artifact root holds."""

    path: str | None = None
