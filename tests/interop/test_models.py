"""Models travel both ways: what either writes, the other reads, and predicts the same.

Neither side sees the other: MLflow's interpreter has no steno, and steno imports no MLflow.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from steno.models import load_pyfunc

HERE = Path(__file__).parent / "models"
KINDS = ["class", "cloudpickle", "function", "hinted_function", "hints", "plain", "proba", "script", "skops"]


def _run(interpreter: str, script: str, *words: str, folder: Path) -> None:
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1"}
    environ = {**os.environ, **quiet, "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/x.db"}
    done = subprocess.run(
        [interpreter, "-W", "ignore", str(HERE / script), *words],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def _predicted(interpreter: str, module: str, folder: Path) -> dict[str, Any]:
    _run(interpreter, "predict.py", module, str(folder), folder=folder)
    found: dict[str, Any] = json.loads((folder / f"{module}.json").read_text())
    return found


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("writer", ["steno", "mlflow"])
def test_what_one_writes_the_other_reads_and_predicts_the_same(writer: str, peer: str, tmp_path: Path) -> None:
    _run(peer if writer == "mlflow" else sys.executable, "save.py", writer, str(tmp_path), folder=tmp_path)
    ours, theirs = _predicted(sys.executable, "steno", tmp_path), _predicted(peer, "mlflow", tmp_path)
    assert sorted(ours) == sorted(theirs) == KINDS
    for kind in KINDS:
        assert ours[kind] == theirs[kind], kind


FRAMEWORKS = {
    "xgboost": ["xgboost-booster", "xgboost-wrapper", "xgboost-json"],
    "pytorch": ["pytorch-default", "pytorch-export", "pytorch-pickle", "pytorch-own"],
    "keras": ["keras-keras", "keras-tensorflow"],
}
WRITES_ALONE = {"pytorch": ["pytorch-state"]}


def _needs(peer: str, framework: str) -> None:
    module = {"pytorch": "torch"}.get(framework, framework)
    command = [peer, "-c", f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"]
    if subprocess.run(command, check=False, timeout=60).returncode:
        pytest.skip(f"{module} is not installed beside MLflow")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("writer", ["steno", "mlflow"])
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_frameworks_models_are_read_and_predict_the_same(
    framework: str, writer: str, peer: str, tmp_path: Path
) -> None:
    _needs(peer, framework)
    names = FRAMEWORKS[framework]
    saved = [*names, *(WRITES_ALONE.get(framework, []) if writer == "steno" else [])]
    writes = peer if writer == "mlflow" else sys.executable
    _run(writes, "frameworks.py", writer, "save", str(tmp_path), *saved, folder=tmp_path)
    found = {}
    for reader, interpreter in (("steno", sys.executable), ("mlflow", peer)):
        _run(interpreter, "frameworks.py", reader, "predict", str(tmp_path), *saved, folder=tmp_path)
        found[reader] = json.loads((tmp_path / f"{reader}.json").read_text())
    for name in names:
        ours, theirs = found["steno"][name], found["mlflow"][name]
        assert "error" not in {**ours, **theirs}, (name, ours, theirs)
        program = name in ("pytorch-default", "pytorch-export")
        assert ours["class"] == theirs["class"] or program, name
        for inputs in ("frame", "array") if framework != "xgboost" else ("frame",):
            assert ours[inputs] == pytest.approx(theirs[inputs], rel=1e-6, abs=1e-7), (name, inputs)
        # MLflow's pickle of a class of the user's is code, and so is what its programs hold beside the graph: steno
        # asks, and loads them once that is named.
        code = name == "pytorch-own" or (program and writer == "mlflow")
        assert bool(ours["asked"]) == code, (name, ours["asked"])
        assert ours["class"] == "Sequential" or name != "pytorch-default" or writer == "mlflow"
    for name in set(saved) - set(names):  # weights and a description: nothing that MLflow has a reader for
        assert "array" in found["steno"][name]
        assert "error" in found["mlflow"][name]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_where_steno_is_installed_beside_it_mlflow_reads_a_state_dict_as_a_function(
    peer: str, root: Path, tmp_path: Path
) -> None:
    _needs(peer, "pytorch")
    _run(sys.executable, "frameworks.py", "steno", "save", str(tmp_path), "pytorch-state", folder=tmp_path)
    installed = tmp_path / "installed"
    about = next(path for path in metadata.files("steno") or () if path.name == "entry_points.txt")
    shutil.copytree(Path(str(about.locate())).parent, installed / about.parent.name)
    places = [str(installed), *(str(root / each) for each in ("core", "integrations", "plugins"))]
    script = (
        "import mlflow, numpy, sys\nprint(mlflow.pyfunc.load_model(sys.argv[1]).predict(numpy.ones((5, 3), 'float32')))"
    )
    done = subprocess.run(
        [peer, "-W", "ignore", "-c", script, str(tmp_path / "pytorch-state")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(places), "MLFLOW_DISABLE_TELEMETRY": "true"},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    expected = load_pyfunc(tmp_path / "pytorch-state").predict(np.ones((5, 3), "float32"))
    assert done.stdout.strip() == str(expected)
