"""Every example runs as its reader would run it, and leaves a run behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# As it is imported, whatever it is told.
TENSORFLOW_SAYS = "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR"
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def run(name: str, folder: Path) -> str:
    """Run an example in a folder and return what it printed."""
    command = [sys.executable, "-W", "error::DeprecationWarning:__main__", str(EXAMPLES / name)]
    environ = {**os.environ, "COLUMNS": "160"}
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "WARNING" not in done.stderr.replace(TENSORFLOW_SAYS, "")
    return done.stdout


def test_every_example_has_a_test() -> None:
    text = Path(__file__).read_text("utf-8")
    assert [path.name for path in EXAMPLES.glob("*.py") if f'run("{path.name}", ' not in text] == []


def test_tracking_by_hand_finds_the_line_and_keeps_the_whole_curve(tmp_path: Path) -> None:
    printed = run("01_track_a_run.py", tmp_path)
    assert "FINISHED" in printed
    assert "points of the loss curve: 16000" in printed
    # Least squares has a closed form; these are its values for this data.
    assert "'slope': 3.932" in printed
    assert "'intercept': -17.57" in printed


def test_autologging_a_pipeline_gives_a_model_that_loads_back(tmp_path: Path) -> None:
    printed = run("02_autolog_sklearn.py", tmp_path)
    assert "training_accuracy_score = " in printed
    assert "f1_score" in printed
    assert "the loaded model predicts the same: True" in printed


def test_autologging_xgboost_records_rounds_and_folds(tmp_path: Path) -> None:
    lines = run("03_autolog_xgboost.py", tmp_path).splitlines()
    assert "FINISHED: best round" in lines[0]
    assert "the loaded model predicts the same: True" in lines
    assert len([line for line in lines if line.startswith("  fold ")]) == 4


def test_autologging_a_plain_loop_gives_epochs_and_a_model(tmp_path: Path) -> None:
    lines = run("04_autolog_pytorch.py", tmp_path).splitlines()
    assert "FINISHED: Adam" in lines[0]
    means = [float(line.rpartition(" ")[2]) for line in lines if line.startswith("  mean loss")]
    assert means == sorted(means, reverse=True)
    assert "the loaded model predicts the same: True" in lines


def test_a_search_leaves_every_candidate_best_first(tmp_path: Path) -> None:
    lines = run("03_search_and_compare.py", tmp_path).splitlines()
    scores = [float(line.split()[0]) for line in lines if " in " in line]
    assert len(scores) == 6
    assert scores == sorted(scores, reverse=True)
    assert f"best_cv_score = {scores[0]:.4f}" in lines[0]


def test_the_demo_shows_the_candidates_the_best_run_and_where_to_look_next(tmp_path: Path) -> None:
    printed = run("demo.py", tmp_path)
    assert "12 candidates" in printed
    assert "metric best_cv_score" in printed
    assert "predicts the same: True" in printed
    assert "steno runs show" in printed
    assert (tmp_path / "stenoruns" / "steno.db").exists()


def test_autologging_lightning_keeps_the_best_checkpoint_and_the_logger_makes_a_run(tmp_path: Path) -> None:
    printed = run("05_autolog_lightning.py", tmp_path)
    assert "FINISHED: Adam with lr=0.01" in printed
    best, kept = (line.rpartition("val_loss ")[2] for line in printed.splitlines() if "val_loss" in line)
    assert best == kept
    assert "run explicit FINISHED: hidden=8" in printed


def test_autologging_keras_records_each_epoch_and_the_evaluation(tmp_path: Path) -> None:
    lines = run("06_autolog_keras.py", tmp_path).splitlines()
    assert "FINISHED" in lines[0]
    assert float(lines[2].removeprefix("evaluate_accuracy = ")) > 0.9
    assert "the loaded model predicts the same: True" in lines
