"""Finds the real MLflow: in the interpreter that the variable PEER names, else in the one that runs the tests."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PEER = os.environ.get("PEER") or sys.executable


@pytest.fixture(scope="session")
def peer() -> str:
    """An interpreter that has MLflow."""
    if subprocess.run([PEER, "-c", "import mlflow"], capture_output=True, check=False).returncode:
        pytest.skip("MLflow is not installed here; the variable PEER may name an interpreter that has it")
    return PEER
