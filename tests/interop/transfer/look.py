"""Run by an interpreter that has MLflow: print all that a store holds as its own client shows it, artifacts by hash."""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
from mlflow.entities import ViewType

mlflow.set_tracking_uri(sys.argv[1])
client = MlflowClient()


def own(tags: dict[str, str]) -> dict[str, str]:
    """Tags without those that a transfer leaves, and without the one that MLflow makes by itself of registrations."""
    kept = {key: value for key, value in tags.items() if not key.startswith("steno.") and key != "mlflow.modelVersions"}
    if "steno.parent_run_id" in tags:
        kept["mlflow.parentRunId"] = tags["steno.parent_run_id"]
    return kept


def hashes(uri: str) -> dict[str, str]:
    """SHA-256 of each file by its path."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            root = Path(download_artifacts(artifact_uri=uri, dst_path=folder))
        except Exception:  # MLflow raises different things for a place where there is nothing
            return {}
        files = (path for path in sorted(root.rglob("*")) if path.is_file())
        return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def points(run_id: str, keys: list[str]) -> list[list[object]]:
    """Every point, in an order that does not depend on the store, and once: MLflow's databases keep equal ones once."""
    found = [
        (m.key, m.step, m.timestamp, repr(m.value)) for key in keys for m in client.get_metric_history(run_id, key)
    ]
    return [list(point) for point in sorted(set(found))]


experiments = {each.experiment_id: each for each in client.search_experiments(view_type=ViewType.ALL)}
runs, models, ids, model_ids = {}, {}, {}, {}
all_runs = [run for number in experiments for run in client.search_runs([number], run_view_type=ViewType.ALL)]
for run in all_runs:
    ids[run.info.run_id] = run.data.tags.get("steno.run_id", run.info.run_id)
found_models = client.search_logged_models(list(experiments), max_results=50) if experiments else []
for model in found_models:
    model_ids[model.model_id] = model.tags.get("steno.model_id", model.model_id)
for run in all_runs:
    info, data = run.info, run.data
    runs[ids[info.run_id]] = {
        "experiment": experiments[info.experiment_id].name,
        "name": info.run_name,
        "status": info.status,
        "times": [info.start_time, info.end_time],
        "user": info.user_id,
        "stage": info.lifecycle_stage,
        "params": data.params,
        "tags": own(data.tags),
        "points": points(info.run_id, list(data.metrics)),
        "last": {key: repr(value) for key, value in data.metrics.items()},
        "inputs": sorted(
            [each.dataset.to_dictionary(), sorted([tag.key, tag.value] for tag in each.tags)]
            for each in run.inputs.dataset_inputs
        ),
        "outputs": sorted([model_ids.get(each.model_id), each.step] for each in run.outputs.model_outputs),
        "artifacts": hashes(info.artifact_uri),
    }
for model in found_models:
    models[model_ids[model.model_id]] = {
        "experiment": experiments[model.experiment_id].name,
        "name": model.name,
        "type": model.model_type or None,
        "run": ids.get(model.source_run_id, model.source_run_id),
        "status": str(model.status),
        "params": model.params,
        "tags": own(model.tags),
        "points": sorted(
            {
                (m.key, m.step, m.timestamp, repr(m.value), m.dataset_name or "", m.dataset_digest or "", ids[m.run_id])
                for m in model.metrics or []
            }
        ),
        "artifacts": hashes(model.artifact_location),
    }
registered = {
    model.name: {
        "description": model.description or "",
        "tags": own(model.tags),
        "aliases": {alias: str(version) for alias, version in model.aliases.items()},
        "versions": {
            str(version.version): {
                "stage": version.current_stage,
                "description": version.description or "",
                "tags": own(version.tags),
                "run": ids.get(version.run_id, version.run_id),
                "source": version.tags.get("steno.source", version.source),
                "artifacts": hashes(client.get_model_version_download_uri(model.name, version.version)),
            }
            for version in client.search_model_versions(f"name = '{model.name}'")
        },
    }
    for model in client.search_registered_models()
}
told = {
    "experiments": {
        each.name: {"stage": each.lifecycle_stage, "tags": own(each.tags)} for each in experiments.values()
    },
    "runs": runs,
    "models": models,
    "registered": registered,
}
json.dump(told, sys.stdout, sort_keys=True)
