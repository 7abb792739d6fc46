"""Every call of MLflow's wire that asks and answers with messages: one table for the server and for clients.

A path stands below `/api/2.0` and below `/ajax-api/2.0`, some only below the latter; steno's own below another.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from msgspec import Struct

from steno.wire import chart_messages as c
from steno.wire import messages as m
from steno.wire import model_messages as mm

AskT = TypeVar("AskT", bound=m.Message)
AnswerT = TypeVar("AnswerT", bound=m.Message)

API = "/api/2.0"
AJAX = "/ajax-api/2.0"
STENO = "/api/steno/v1"
"""Below it what only steno's servers know."""
SERVER_INFO = "/api/3.0/mlflow/server-info"
PROXIED = "/mlflow-artifacts/artifacts"
"""Below it the paths of the server's own artifact root: GET, PUT and DELETE with the bytes of a file."""


class Call(Struct, Generic[AskT, AnswerT], frozen=True):
    """One call. With GET what is asked is in the query, else in a JSON body; clients use the first of `methods`.

    Words in braces in the path are fields of what is asked, each percent-encoded whole.
    """

    path: str
    asks: type[AskT]
    answers: type[AnswerT]
    methods: tuple[str, ...] = ("POST",)
    prefixes: tuple[str, ...] = (API, AJAX)


GET = ("GET",)
DELETE = ("DELETE",)
PATCH = ("PATCH",)

CREATE_EXPERIMENT = Call("/mlflow/experiments/create", m.CreateExperiment, m.ExperimentId)
SEARCH_EXPERIMENTS = Call(
    "/mlflow/experiments/search", m.SearchExperiments, m.ExperimentsAnswer, methods=("POST", "GET")
)
GET_EXPERIMENT = Call("/mlflow/experiments/get", m.ExperimentId, m.ExperimentAnswer, GET)
GET_EXPERIMENT_BY_NAME = Call("/mlflow/experiments/get-by-name", m.ExperimentName, m.ExperimentAnswer, GET)
DELETE_EXPERIMENT = Call("/mlflow/experiments/delete", m.ExperimentId, m.Nothing)
RESTORE_EXPERIMENT = Call("/mlflow/experiments/restore", m.ExperimentId, m.Nothing)
UPDATE_EXPERIMENT = Call("/mlflow/experiments/update", m.UpdateExperiment, m.Nothing)
SET_EXPERIMENT_TAG = Call("/mlflow/experiments/set-experiment-tag", m.ExperimentTag, m.Nothing)
DELETE_EXPERIMENT_TAG = Call("/mlflow/experiments/delete-experiment-tag", m.ExperimentTagKey, m.Nothing)
SEARCH_DATASETS = Call("/mlflow/experiments/search-datasets", m.SearchDatasets, m.DatasetsAnswer, prefixes=(AJAX,))

CREATE_RUN = Call("/mlflow/runs/create", m.CreateRun, m.RunAnswer)
UPDATE_RUN = Call("/mlflow/runs/update", m.UpdateRun, m.RunInfoAnswer)
DELETE_RUN = Call("/mlflow/runs/delete", m.OfRun, m.Nothing)
RESTORE_RUN = Call("/mlflow/runs/restore", m.OfRun, m.Nothing)
GET_RUN = Call("/mlflow/runs/get", m.OfRun, m.RunAnswer, GET)
SEARCH_RUNS = Call("/mlflow/runs/search", m.SearchRuns, m.RunsAnswer)
LOG_METRIC = Call("/mlflow/runs/log-metric", m.LogMetric, m.Nothing)
LOG_PARAM = Call("/mlflow/runs/log-parameter", m.RunPair, m.Nothing)
SET_TAG = Call("/mlflow/runs/set-tag", m.RunPair, m.Nothing)
DELETE_TAG = Call("/mlflow/runs/delete-tag", m.RunKey, m.Nothing)
LOG_BATCH = Call("/mlflow/runs/log-batch", m.LogBatch, m.Nothing)
LOG_MODEL = Call("/mlflow/runs/log-model", m.LogModel, m.Nothing)
LOG_INPUTS = Call("/mlflow/runs/log-inputs", m.LogInputs, m.Nothing)
LOG_OUTPUTS = Call("/mlflow/runs/outputs", m.LogOutputs, m.Nothing)

GET_HISTORY = Call("/mlflow/metrics/get-history", m.GetHistory, m.MetricsAnswer, GET)
GET_HISTORY_BULK = Call("/mlflow/metrics/get-history-bulk", m.GetHistoryBulk, m.MetricsAnswer, GET, prefixes=(AJAX,))
GET_HISTORY_BULK_INTERVAL = Call(
    "/mlflow/metrics/get-history-bulk-interval", m.GetHistoryBulkInterval, m.MetricsAnswer, GET
)
GET_BUCKETS = Call("/metric_buckets", c.GetBuckets, c.BucketsAnswer, methods=("POST", "GET"), prefixes=(STENO,))
LIST_ARTIFACTS = Call("/mlflow/artifacts/list", m.ListArtifacts, m.FilesAnswer, GET)
LIST_PROXIED = Call(PROXIED, m.ListProxied, m.FilesAnswer, GET)

LOGGED_MODELS = "/mlflow/logged-models"
CREATE_LOGGED_MODEL = Call(LOGGED_MODELS, mm.CreateLoggedModel, mm.LoggedModelAnswer)
SEARCH_LOGGED_MODELS = Call(f"{LOGGED_MODELS}/search", mm.SearchLoggedModels, mm.LoggedModelsAnswer)
GET_LOGGED_MODEL = Call(f"{LOGGED_MODELS}/{{model_id}}", mm.LoggedModelId, mm.LoggedModelAnswer, GET)
FINALIZE_LOGGED_MODEL = Call(f"{LOGGED_MODELS}/{{model_id}}", mm.FinalizeLoggedModel, mm.LoggedModelAnswer, PATCH)
DELETE_LOGGED_MODEL = Call(f"{LOGGED_MODELS}/{{model_id}}", mm.LoggedModelId, m.Nothing, DELETE)
SET_LOGGED_MODEL_TAGS = Call(f"{LOGGED_MODELS}/{{model_id}}/tags", mm.LoggedModelTags, m.Nothing, PATCH)
DELETE_LOGGED_MODEL_TAG = Call(f"{LOGGED_MODELS}/{{model_id}}/tags/{{key}}", mm.LoggedModelTagKey, m.Nothing, DELETE)
LOG_LOGGED_MODEL_PARAMS = Call(f"{LOGGED_MODELS}/{{model_id}}/params", mm.LoggedModelParams, m.Nothing)
LIST_LOGGED_MODEL_FILES = Call(
    f"{LOGGED_MODELS}/{{model_id}}/artifacts/directories", mm.LoggedModelFolder, m.FilesAnswer, GET
)

CREATE_MODEL = Call("/mlflow/registered-models/create", mm.CreateModel, mm.ModelAnswer)
RENAME_MODEL = Call("/mlflow/registered-models/rename", mm.RenameModel, mm.ModelAnswer)
DESCRIBE_MODEL = Call("/mlflow/registered-models/update", mm.DescribeModel, mm.ModelAnswer, PATCH)
DELETE_MODEL = Call("/mlflow/registered-models/delete", mm.ModelName, m.Nothing, DELETE)
GET_MODEL = Call("/mlflow/registered-models/get", mm.ModelName, mm.ModelAnswer, GET)
SEARCH_MODELS = Call("/mlflow/registered-models/search", mm.SearchRegistry, mm.ModelsAnswer, GET)
GET_LATEST_VERSIONS = Call(
    "/mlflow/registered-models/get-latest-versions", mm.LatestVersions, mm.VersionsAnswer, methods=("POST", "GET")
)
SET_MODEL_TAG = Call("/mlflow/registered-models/set-tag", mm.ModelTag, m.Nothing)
DELETE_MODEL_TAG = Call("/mlflow/registered-models/delete-tag", mm.ModelTagKey, m.Nothing, DELETE)
SET_ALIAS = Call("/mlflow/registered-models/alias", mm.SetAlias, m.Nothing)
DELETE_ALIAS = Call("/mlflow/registered-models/alias", mm.ModelAlias, m.Nothing, DELETE)
GET_BY_ALIAS = Call("/mlflow/registered-models/alias", mm.ModelAlias, mm.VersionAnswer, GET)

CREATE_VERSION = Call("/mlflow/model-versions/create", mm.CreateVersion, mm.VersionAnswer)
DESCRIBE_VERSION = Call("/mlflow/model-versions/update", mm.DescribeVersion, mm.VersionAnswer, PATCH)
TRANSITION_STAGE = Call("/mlflow/model-versions/transition-stage", mm.TransitionStage, mm.VersionAnswer)
DELETE_VERSION = Call("/mlflow/model-versions/delete", mm.VersionId, m.Nothing, DELETE)
GET_VERSION = Call("/mlflow/model-versions/get", mm.VersionId, mm.VersionAnswer, GET)
SEARCH_VERSIONS = Call("/mlflow/model-versions/search", mm.SearchRegistry, mm.VersionsAnswer, GET)
GET_DOWNLOAD_URI = Call("/mlflow/model-versions/get-download-uri", mm.VersionId, mm.DownloadUriAnswer, GET)
SET_VERSION_TAG = Call("/mlflow/model-versions/set-tag", mm.VersionTag, m.Nothing)
DELETE_VERSION_TAG = Call("/mlflow/model-versions/delete-tag", mm.VersionTagKey, m.Nothing, DELETE)

CALLS: tuple[Call[m.Message, m.Message], ...] = tuple(
    each for each in list(globals().values()) if isinstance(each, Call)
)
