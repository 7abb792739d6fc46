"""One table of all that the server answers: each route with what it needs and what does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct
from steno.wire import calls
from steno.wire.batches import WRITE as WRITE_BATCH
from steno.wire.calls import API, PROXIED, SERVER_INFO, Call

from steno_server import (
    charts,
    events,
    experiments,
    files,
    history,
    ingest,
    logged_models,
    models,
    multipart,
    openapi,
    probes,
    recording,
    runs,
    versions,
)
from steno_server.access import Policy
from steno_server.service import Service


class Route(Struct, frozen=True):
    """A call whose handler takes a message and returns one.

    Attributes:
        apart: Whether it runs in a thread of its own, because it may take long (what it costs grows with what is
            recorded) or writes more than once. All others take less than what handing them to a thread and back
            costs in throughput; one that has to wait for the store is begun again in a thread, so it writes last.
    """

    call: Call[Any, Any]
    handler: Callable[[Service, Any], Any]
    policy: Policy
    apart: bool = False


class FileRoute(Struct, frozen=True):
    """A route whose bodies are files, not messages.

    Attributes:
        path: In the form of Starlette.
        query: What it is asked.
        content: The kind of what it answers.
    """

    method: str
    path: str
    handler: files.Handler
    policy: Policy
    query: tuple[str, ...] = ()
    content: str = "*/*"


READ, WRITE = Policy.READ, Policy.WRITE

ROUTES = (
    Route(calls.CREATE_EXPERIMENT, experiments.create, WRITE, apart=True),
    Route(calls.SEARCH_EXPERIMENTS, experiments.search, READ, apart=True),
    Route(calls.GET_EXPERIMENT, experiments.get, READ),
    Route(calls.GET_EXPERIMENT_BY_NAME, experiments.get_by_name, READ),
    Route(calls.DELETE_EXPERIMENT, experiments.delete, WRITE, apart=True),
    Route(calls.RESTORE_EXPERIMENT, experiments.restore, WRITE, apart=True),
    Route(calls.UPDATE_EXPERIMENT, experiments.rename, WRITE, apart=True),
    Route(calls.SET_EXPERIMENT_TAG, experiments.set_tag, WRITE, apart=True),
    Route(calls.DELETE_EXPERIMENT_TAG, experiments.delete_tag, WRITE, apart=True),
    Route(calls.SEARCH_DATASETS, experiments.search_datasets, READ, apart=True),
    Route(calls.CREATE_RUN, runs.create, WRITE),
    Route(calls.UPDATE_RUN, runs.update, WRITE),
    Route(calls.DELETE_RUN, runs.delete, WRITE),
    Route(calls.RESTORE_RUN, runs.restore, WRITE),
    Route(calls.GET_RUN, runs.get, READ),
    Route(calls.SEARCH_RUNS, runs.search, READ, apart=True),
    Route(calls.LOG_METRIC, recording.log_metric, WRITE),
    Route(calls.LOG_PARAM, recording.log_param, WRITE),
    Route(calls.SET_TAG, recording.set_tag, WRITE),
    Route(calls.DELETE_TAG, recording.delete_tag, WRITE),
    Route(calls.LOG_BATCH, recording.log_batch, WRITE),
    Route(calls.LOG_MODEL, recording.log_model, WRITE, apart=True),
    Route(calls.LOG_INPUTS, recording.log_inputs, WRITE, apart=True),
    Route(calls.LOG_OUTPUTS, recording.log_outputs, WRITE, apart=True),
    Route(calls.GET_HISTORY, history.get, READ, apart=True),
    Route(calls.GET_HISTORY_BULK, history.get_bulk, READ, apart=True),
    Route(calls.GET_HISTORY_BULK_INTERVAL, history.get_bulk_interval, READ, apart=True),
    Route(calls.GET_BUCKETS, charts.get_buckets, READ, apart=True),
    Route(calls.LIST_ARTIFACTS, files.list_of_run, READ, apart=True),
    Route(calls.LIST_PROXIED, files.list_proxied, READ, apart=True),
    Route(calls.CREATE_LOGGED_MODEL, logged_models.create, WRITE, apart=True),
    Route(calls.SEARCH_LOGGED_MODELS, logged_models.search, READ, apart=True),
    Route(calls.GET_LOGGED_MODEL, logged_models.get, READ, apart=True),
    Route(calls.FINALIZE_LOGGED_MODEL, logged_models.finalize, WRITE, apart=True),
    Route(calls.DELETE_LOGGED_MODEL, logged_models.delete, WRITE, apart=True),
    Route(calls.SET_LOGGED_MODEL_TAGS, logged_models.set_tags, WRITE, apart=True),
    Route(calls.DELETE_LOGGED_MODEL_TAG, logged_models.delete_tag, WRITE, apart=True),
    Route(calls.LOG_LOGGED_MODEL_PARAMS, logged_models.log_params, WRITE, apart=True),
    Route(calls.LIST_LOGGED_MODEL_FILES, logged_models.list_files, READ, apart=True),
    Route(calls.CREATE_MODEL, models.create, WRITE, apart=True),
    Route(calls.RENAME_MODEL, models.rename, WRITE, apart=True),
    Route(calls.DESCRIBE_MODEL, models.describe, WRITE, apart=True),
    Route(calls.DELETE_MODEL, models.delete, WRITE, apart=True),
    Route(calls.GET_MODEL, models.get, READ),
    Route(calls.SEARCH_MODELS, models.search, READ, apart=True),
    Route(calls.GET_LATEST_VERSIONS, models.get_latest_versions, READ, apart=True),
    Route(calls.SET_MODEL_TAG, models.set_tag, WRITE, apart=True),
    Route(calls.DELETE_MODEL_TAG, models.delete_tag, WRITE, apart=True),
    Route(calls.SET_ALIAS, models.set_alias, WRITE, apart=True),
    Route(calls.DELETE_ALIAS, models.delete_alias, WRITE, apart=True),
    Route(calls.GET_BY_ALIAS, models.get_by_alias, READ),
    Route(calls.CREATE_VERSION, versions.create, WRITE, apart=True),
    Route(calls.DESCRIBE_VERSION, versions.describe, WRITE, apart=True),
    Route(calls.TRANSITION_STAGE, versions.transition, WRITE, apart=True),
    Route(calls.DELETE_VERSION, versions.delete, WRITE, apart=True),
    Route(calls.GET_VERSION, versions.get, READ),
    Route(calls.SEARCH_VERSIONS, versions.search, READ, apart=True),
    Route(calls.GET_DOWNLOAD_URI, versions.get_download_uri, READ, apart=True),
    Route(calls.SET_VERSION_TAG, versions.set_tag, WRITE, apart=True),
    Route(calls.DELETE_VERSION_TAG, versions.delete_tag, WRITE, apart=True),
)

FILE_ROUTES = (
    FileRoute("GET", "/health", probes.health, Policy.OPEN),
    FileRoute("GET", "/ready", probes.ready, Policy.OPEN),
    FileRoute("GET", "/version", probes.version, Policy.OPEN),
    FileRoute("GET", "/metrics", probes.metrics, READ),
    FileRoute("GET", "/api/steno/v1/openapi.json", openapi.get_description, READ),
    FileRoute("GET", SERVER_INFO, probes.server_info, READ),
    FileRoute("POST", WRITE_BATCH, ingest.write, WRITE),
    FileRoute(
        "GET", "/api/steno/v1/events", events.get_events, READ, ("experiment_id", "run_id"), content=events.CONTENT_TYPE
    ),
    FileRoute("GET", "/get-artifact", files.get_of_run, READ, ("run_id", "path")),
    FileRoute("GET", "/model-versions/get-artifact", files.get_of_version, READ, ("name", "version", "path")),
    FileRoute(
        "GET",
        f"{calls.AJAX}{calls.LOGGED_MODELS}/{{model_id}}/artifacts/files",
        files.get_of_logged_model,
        READ,
        ("artifact_file_path",),
    ),
    FileRoute("POST", f"{calls.AJAX}/mlflow/upload-artifact", files.upload, WRITE, ("run_uuid", "path")),
    *(
        FileRoute(method, f"{prefix}{PROXIED}/{{path:path}}", handler, policy)
        for prefix in (API, calls.AJAX)
        for method, handler, policy in (
            ("GET", files.download, READ),
            ("PUT", files.put, WRITE),
            ("DELETE", files.delete, WRITE),
        )
    ),
    *(
        FileRoute(method, f"{prefix}{multipart.STEPS}{handler.__name__}/{{path:path}}", handler, WRITE)
        for prefix in (API, calls.AJAX)
        for method, handler in (
            ("POST", multipart.create),
            ("PUT", multipart.part),
            ("POST", multipart.complete),
            ("POST", multipart.abort),
        )
    ),
)
