"""steno writes down what a training run does: fast, silent, complete.

    import steno
    steno.autolog()          # before training; nothing else to do

Nothing is imported until a name is used, so that `import steno` costs a few milliseconds.
"""

from __future__ import annotations

from importlib import import_module
from os.path import exists
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from steno.autolog import autolog as autolog
    from steno.hookspecs import hookimpl as hookimpl
    from steno.tracking.client import Client as Client
    from steno.tracking.client import MlflowClient as MlflowClient
    from steno.tracking.context import active_run as active_run
    from steno.tracking.current_model import (
        clear_active_model as clear_active_model,
    )
    from steno.tracking.current_model import (
        create_external_model as create_external_model,
    )
    from steno.tracking.current_model import (
        delete_logged_model_tag as delete_logged_model_tag,
    )
    from steno.tracking.current_model import (
        finalize_logged_model as finalize_logged_model,
    )
    from steno.tracking.current_model import (
        get_active_model_id as get_active_model_id,
    )
    from steno.tracking.current_model import (
        get_logged_model as get_logged_model,
    )
    from steno.tracking.current_model import (
        initialize_logged_model as initialize_logged_model,
    )
    from steno.tracking.current_model import (
        last_logged_model as last_logged_model,
    )
    from steno.tracking.current_model import (
        log_model_params as log_model_params,
    )
    from steno.tracking.current_model import (
        search_logged_models as search_logged_models,
    )
    from steno.tracking.current_model import (
        set_active_model as set_active_model,
    )
    from steno.tracking.current_model import (
        set_logged_model_tags as set_logged_model_tags,
    )
    from steno.tracking.experiments import (
        create_experiment as create_experiment,
    )
    from steno.tracking.experiments import (
        delete_experiment as delete_experiment,
    )
    from steno.tracking.experiments import (
        delete_experiment_tag as delete_experiment_tag,
    )
    from steno.tracking.experiments import (
        get_experiment as get_experiment,
    )
    from steno.tracking.experiments import (
        get_experiment_by_name as get_experiment_by_name,
    )
    from steno.tracking.experiments import (
        list_experiments as list_experiments,
    )
    from steno.tracking.experiments import (
        rename_experiment as rename_experiment,
    )
    from steno.tracking.experiments import (
        restore_experiment as restore_experiment,
    )
    from steno.tracking.experiments import (
        search_experiments as search_experiments,
    )
    from steno.tracking.experiments import (
        set_experiment as set_experiment,
    )
    from steno.tracking.experiments import (
        set_experiment_tag as set_experiment_tag,
    )
    from steno.tracking.experiments import (
        set_experiment_tags as set_experiment_tags,
    )
    from steno.tracking.files import (
        download_artifacts as download_artifacts,
    )
    from steno.tracking.files import (
        get_artifact_uri as get_artifact_uri,
    )
    from steno.tracking.files import (
        list_artifacts as list_artifacts,
    )
    from steno.tracking.files import (
        load_dict as load_dict,
    )
    from steno.tracking.files import (
        load_table as load_table,
    )
    from steno.tracking.files import (
        load_text as load_text,
    )
    from steno.tracking.files import (
        log_artifact as log_artifact,
    )
    from steno.tracking.files import (
        log_artifacts as log_artifacts,
    )
    from steno.tracking.files import (
        log_dict as log_dict,
    )
    from steno.tracking.files import (
        log_figure as log_figure,
    )
    from steno.tracking.files import (
        log_image as log_image,
    )
    from steno.tracking.files import (
        log_stream as log_stream,
    )
    from steno.tracking.files import (
        log_table as log_table,
    )
    from steno.tracking.files import (
        log_text as log_text,
    )
    from steno.tracking.fluent import (
        delete_run as delete_run,
    )
    from steno.tracking.fluent import (
        delete_tag as delete_tag,
    )
    from steno.tracking.fluent import (
        end_run as end_run,
    )
    from steno.tracking.fluent import (
        get_parent_run as get_parent_run,
    )
    from steno.tracking.fluent import (
        get_run as get_run,
    )
    from steno.tracking.fluent import (
        last_active_run as last_active_run,
    )
    from steno.tracking.fluent import (
        log_batch as log_batch,
    )
    from steno.tracking.fluent import (
        log_input as log_input,
    )
    from steno.tracking.fluent import (
        log_inputs as log_inputs,
    )
    from steno.tracking.fluent import (
        log_metric as log_metric,
    )
    from steno.tracking.fluent import (
        log_metrics as log_metrics,
    )
    from steno.tracking.fluent import (
        log_outputs as log_outputs,
    )
    from steno.tracking.fluent import (
        log_param as log_param,
    )
    from steno.tracking.fluent import (
        log_params as log_params,
    )
    from steno.tracking.fluent import (
        restore_run as restore_run,
    )
    from steno.tracking.fluent import (
        set_tag as set_tag,
    )
    from steno.tracking.fluent import (
        set_tags as set_tags,
    )
    from steno.tracking.fluent import (
        start_run as start_run,
    )
    from steno.tracking.models import load_model as load_model
    from steno.tracking.models import log_model as log_model
    from steno.tracking.models import save_model as save_model
    from steno.tracking.places import (
        get_registry_uri as get_registry_uri,
    )
    from steno.tracking.places import (
        get_tracking_uri as get_tracking_uri,
    )
    from steno.tracking.places import (
        is_tracking_uri_set as is_tracking_uri_set,
    )
    from steno.tracking.places import (
        set_registry_uri as set_registry_uri,
    )
    from steno.tracking.places import (
        set_tracking_uri as set_tracking_uri,
    )
    from steno.tracking.registry import (
        register_model as register_model,
    )
    from steno.tracking.registry import (
        search_model_versions as search_model_versions,
    )
    from steno.tracking.registry import (
        search_registered_models as search_registered_models,
    )
    from steno.tracking.registry import (
        set_model_version_tag as set_model_version_tag,
    )
    from steno.tracking.results import search_runs as search_runs
    from steno.tracking.run import ActiveRun as ActiveRun
    from steno.tracking.verification import verify_model as verify_model
    from steno.tracking.writer import flush as flush

__version__ = "0.1.0"

_HOME = {
    "steno.autolog": "autolog",
    "steno.hookspecs": "hookimpl",
    "steno.tracking.client": "Client MlflowClient",
    "steno.tracking.context": "active_run",
    "steno.tracking.current_model": (
        "clear_active_model create_external_model delete_logged_model_tag finalize_logged_model get_active_model_id "
        "get_logged_model initialize_logged_model last_logged_model log_model_params search_logged_models "
        "set_active_model set_logged_model_tags"
    ),
    "steno.tracking.experiments": (
        "create_experiment delete_experiment delete_experiment_tag get_experiment get_experiment_by_name "
        "list_experiments rename_experiment restore_experiment search_experiments set_experiment "
        "set_experiment_tag set_experiment_tags"
    ),
    "steno.tracking.files": (
        "download_artifacts get_artifact_uri list_artifacts load_dict load_image load_table load_text log_artifact "
        "log_artifacts log_dict log_figure log_image log_stream log_table log_text"
    ),
    "steno.tracking.fluent": (
        "delete_run delete_tag end_run get_parent_run get_run last_active_run log_batch log_input log_inputs "
        "log_metric log_metrics log_outputs log_param log_params restore_run set_tag set_tags start_run"
    ),
    "steno.tracking.models": "load_model log_model save_model",
    "steno.tracking.places": (
        "get_registry_uri get_tracking_uri is_tracking_uri_set set_registry_uri set_tracking_uri"
    ),
    "steno.tracking.registry": ("register_model search_model_versions search_registered_models set_model_version_tag"),
    "steno.tracking.results": "search_runs",
    "steno.tracking.run": "ActiveRun",
    "steno.tracking.verification": "verify_model",
    "steno.tracking.writer": "flush",
}
_NAMES = {name: module for module, names in _HOME.items() for name in names.split()}

__all__ = ["__version__", *sorted(_NAMES)]


def __getattr__(name: str) -> Any:
    module = _NAMES.get(name)
    if module is None:
        if exists(f"{__path__[0]}/{name}.py") or exists(f"{__path__[0]}/{name}"):
            return import_module(f"steno.{name}")
        return import_module("steno.namespaces").namespace(name)
    # Kept in the module's own globals, so that the next look-up costs nothing.
    value = globals()[name] = getattr(import_module(module), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


import_module("steno.namespaces").install()
