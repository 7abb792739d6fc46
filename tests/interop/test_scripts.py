"""A script with `mlflow` replaced by `steno` runs, and leaves the same behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
SCRIPTS = sorted((HERE / "scripts").glob("*.py"))

START = """
import importlib, json, runpy, sys
module, folder, *script = sys.argv[1:]
m = importlib.import_module(module)
m.set_tracking_uri(f"sqlite:///{folder}/{module}.db")
"""
RUN = (
    START
    + """
sys.argv = script
runpy.run_path(script[0], {"m": m}, run_name="__main__")
"""
)
DESCRIBE = (
    START
    + """
def described(run, names):
    client = m.tracking.MlflowClient()
    tags = {k: v for k, v in run.data.tags.items() if not k.startswith(("steno.", "mlflow.source.git"))}
    if "mlflow.parentRunId" in tags:
        tags["mlflow.parentRunId"] = names[tags["mlflow.parentRunId"]]
    history = {k: [[p.step, p.value] for p in client.get_metric_history(run.info.run_id, k)] for k in run.data.metrics}
    return {
        "status": str(run.info.status), "stage": str(run.info.lifecycle_stage), "user": run.info.user_id,
        "ended": run.info.end_time is not None, "params": run.data.params, "metrics": run.data.metrics, "tags": tags,
        "history": {k: sorted(v) for k, v in history.items()},
        "inputs": [[i.dataset.name, [[t.key, t.value] for t in i.tags]] for i in run.inputs.dataset_inputs],
        "artifacts": sorted(f.path for f in client.list_artifacts(run.info.run_id)),
    }

found = {}
for experiment in m.search_experiments(view_type=3):
    runs = m.search_runs([experiment.experiment_id], run_view_type=3, output_format="list")
    names = {run.info.run_id: run.info.run_name for run in runs}
    found[experiment.name] = {
        "stage": str(experiment.lifecycle_stage),
        "tags": {k: v for k, v in experiment.tags.items() if "mlflow" not in k},
        "runs": {run.info.run_name: described(run, names) for run in runs},
    }
with open(f"{folder}/{module}.json", "w") as file:
    json.dump(found, file)
"""
)


def _left_behind(interpreter: str, module: str, folder: Path) -> dict[str, Any]:
    environ = {**os.environ, "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}
    for text, *script in [*((RUN, str(path)) for path in SCRIPTS), (DESCRIBE,)]:
        done = subprocess.run(
            [interpreter, "-c", text, module, str(folder), *script],
            cwd=folder,
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    return json.loads((folder / f"{module}.json").read_text())


@pytest.mark.slow
def test_scripts_for_mlflow_leave_the_same_behind(peer, tmp_path):
    ours = _left_behind(sys.executable, "steno", tmp_path)
    theirs = _left_behind(peer, "mlflow", tmp_path)
    assert ours.keys() == theirs.keys()
    assert sum(len(experiment["runs"]) for experiment in ours.values()) >= 8
    for experiment, found in ours.items():
        assert found["runs"].keys() == theirs[experiment]["runs"].keys()
        for name, run in found["runs"].items():
            assert run == theirs[experiment]["runs"][name], (experiment, name)
        assert found == theirs[experiment]
