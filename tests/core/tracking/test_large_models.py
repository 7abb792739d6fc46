"""A large model is logged without a copy of it in memory, and one that was logged before takes no further room."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

MODELS_MB = {"sklearn": 256, "pickle": 256, "torch": 256, "keras": 256, "pyfunc": 256, "xgboost": 48}
MOST_MB = 64


@pytest.mark.slow
@pytest.mark.parametrize("kind", MODELS_MB)
def test_a_large_model_takes_little_memory_and_twice_the_same_takes_room_once(root, tmp_path, kind):
    script = root / "tests/benchmarks/large_models.py"
    environ = {**os.environ, "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "TMPDIR": str(tmp_path)}
    command = [sys.executable, str(script), "--inside", "--mb", str(MODELS_MB[kind]), kind]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert found["model_mb"] >= MODELS_MB[kind] - 1
    assert found["extra_mb"] <= MOST_MB
    assert found["second_adds_mb"] <= 1
