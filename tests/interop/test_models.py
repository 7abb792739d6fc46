"""Models travel both ways: what either writes, the other reads, and predicts the same.

Neither side sees the other: MLflow's interpreter has no steno, and steno imports no MLflow.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent / "models"
KINDS = ["class", "cloudpickle", "function", "hinted_function", "hints", "plain", "proba", "script", "skops"]


def _run(interpreter: str, script: str, module: str, folder: Path) -> None:
    environ = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/x.db"}
    done = subprocess.run(
        [interpreter, "-W", "ignore", str(HERE / script), module, str(folder)],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def _predicted(interpreter: str, module: str, folder: Path) -> dict[str, Any]:
    _run(interpreter, "predict.py", module, folder)
    found: dict[str, Any] = json.loads((folder / f"{module}.json").read_text())
    return found


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("writer", ["steno", "mlflow"])
def test_what_one_writes_the_other_reads_and_predicts_the_same(writer: str, peer: str, tmp_path: Path) -> None:
    _run(peer if writer == "mlflow" else sys.executable, "save.py", writer, tmp_path)
    ours, theirs = _predicted(sys.executable, "steno", tmp_path), _predicted(peer, "mlflow", tmp_path)
    assert sorted(ours) == sorted(theirs) == KINDS
    for kind in KINDS:
        assert ours[kind] == theirs[kind], kind
