"""Where the tests run: each in a folder and a store of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import steno

sys.path.insert(0, str(Path(__file__).parent))  # for what the tests share, also in processes they start


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Keep runs in a fresh store; the working directory is a fresh folder, and no setting comes from outside."""
    for name in [name for name in os.environ if name.startswith(("STENO_", "MLFLOW_", "WANDB_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    steno.set_tracking_uri(tmp_path / "runs")
    yield tmp_path
    while steno.active_run() is not None:
        steno.end_run()
    steno.autolog(disable=True)
    steno.flush()
    steno.set_tracking_uri("")
