"""A long script prints what it prints without steno, draws what it draws, and leaves its runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import steno

GALLERY = Path(__file__).with_name("gallery.py")


def said(how: str, folder: Path) -> tuple[str, str]:
    # On a machine with much else to do, what waits at the end of the process would be told to have waited too long.
    environ = os.environ | {"STENO_EXIT_TIMEOUT_S": "120"}
    command = [sys.executable, str(GALLERY), how]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_gallery_script_says_the_same_and_leaves_its_runs(tmp_path):
    plain, watched = said("plain", tmp_path), said("watched", tmp_path)
    assert watched == plain
    steno.set_tracking_uri(tmp_path / "stenoruns")
    runs = steno.search_runs(output_format="list")
    names = Counter(run.info.run_name for run in runs if "mlflow.parentRunId" not in run.data.tags)
    assert names["Pipeline"] == 3
    assert names["GridSearchCV"] == 2
    assert names["StackingClassifier"] == names["KMeans"] == names["learning_curve"] == names["SGDClassifier"] == 1
    assert Counter(run.info.status for run in runs)["FAILED"] == 2, "a candidate, and a fit of bad data"
    steno.set_tracking_uri("")
