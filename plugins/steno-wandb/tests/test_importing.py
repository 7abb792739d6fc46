"""What `steno import wandb` carries is what `wandb` and the mirror wrote."""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import steno
from click.testing import CliRunner
from steno.cli.root import steno as root
from steno.cli.session import Session
from steno_wandb.importing import importer
from wandb_reading import scanned

RECORDED = """
import numpy, wandb
settings = wandb.Settings(x_stats_sampling_interval=0.1)
about = dict(project="p", name="first", group="g", job_type="train", tags=["a", "b"], notes="a note")
config = {"lr": 0.1, "net": {"depth": 3, "act": "relu"}, "sizes": [1, 2], "none": None}
run = wandb.init(config=config, settings=settings, **about)
for step, value in enumerate([0.5, float("nan"), float("inf"), -0.1]):
    run.log({"loss": value, "val": {"acc": step / 3}, "good": step > 1, "word": "text"}, step=step * 5)
run.log({"picture": wandb.Image(numpy.eye(4))}, step=20)
run.config.update({"late": "é"})
run.summary["best"] = 0.25
run.summary["loss"] = 7
run.summary["verdict"] = "fine"
open("saved.txt", "w").write("saved")
run.save("saved.txt", policy="now")
files = wandb.Artifact("data", "dataset")
files.add_file("saved.txt", "in/saved.txt")
run.log_artifact(files)
import time
time.sleep(0.5)
print("said")
run.finish(exit_code=EXIT)
"""


def recorded(exit_code: int = 1) -> Path:
    """Let `wandb` record a run offline, and return its file."""
    environ = {**os.environ, "WANDB_MODE": "offline", "WANDB_ERROR_REPORTING": "0", "WANDB_DATA_DIR": os.getcwd()}
    script = RECORDED.replace("EXIT", str(exit_code))
    subprocess.run([sys.executable, "-c", script], check=True, env=environ, timeout=100, capture_output=True)
    (path,) = Path("wandb").glob("offline-run-*/run-*.wandb")
    return path


def imported(status: int = 0) -> dict[str, Any]:
    """Run `steno import wandb --from wandb`, and return what it says."""
    words = ["import", "wandb", "--from", "wandb", "--json", "-u", steno.get_tracking_uri()]
    done = CliRunner().invoke(root, words, obj=Session())
    assert done.exit_code == status, done.output
    return json.loads(done.stdout)


def series_of(run: Any) -> dict[str, list[tuple[int, int, str]]]:
    """The series that an importer gives; NaN is a text, so that it equals itself."""
    found: dict[str, list[tuple[int, int, str]]] = {}
    for one in run.series:
        found.setdefault(one.key, []).extend(zip(one.steps, one.times, map(repr, one.values), strict=True))
    return found


def test_what_wandb_recorded_is_a_run():
    path = recorded()
    told = imported()
    assert told["carried"]["runs"] == 1
    (run,) = steno.search_runs(search_all_experiments=True, output_format="list")
    assert steno.get_experiment(run.info.experiment_id).name == "p"
    assert (run.info.run_name, run.info.status) == ("first", "FAILED")
    assert run.info.start_time < run.info.end_time < run.info.start_time + 100_000
    params = {"lr": "0.1", "net.depth": "3", "net.act": "relu", "sizes": "[1, 2]", "none": "None", "late": "é"}
    assert run.data.params == params
    client = steno.Client()
    points = [(m.step, repr(m.value)) for m in client.get_metric_history(run.info.run_id, "loss")]
    assert points == [(0, "0.5"), (5, "nan"), (10, "inf"), (15, "-0.1")]
    assert [m.value for m in client.get_metric_history(run.info.run_id, "good")] == [0, 0, 1, 1]
    assert [m.value for m in client.get_metric_history(run.info.run_id, "val.acc")] == [step / 3 for step in range(4)]
    times = [m.timestamp for m in client.get_metric_history(run.info.run_id, "val.acc")]
    assert run.info.start_time <= times[0] <= times[-1] <= run.info.end_time
    system = [key for key in run.data.metrics if key.startswith("system/")]
    assert "system/cpu" in system
    assert set(run.data.metrics) == {"loss", "val.acc", "good", "best", *system}
    assert run.data.metrics["best"] == 0.25
    tags = run.data.tags
    assert (tags["wandb.tags"], tags["wandb.group"], tags["wandb.job_type"]) == ("a,b", "g", "train")
    assert (tags["mlflow.note.content"], tags["wandb.run_id"]) == ("a note", path.stem[4:])
    assert (tags["wandb.summary.loss"], tags["wandb.summary.verdict"]) == ("7.0", "fine")
    local = Path(steno.artifacts.download_artifacts(run_id=run.info.run_id))
    assert (local / "saved.txt").read_text() == (local / "artifacts/data/in/saved.txt").read_text() == "saved"
    assert "said" in (local / "output.log").read_text()
    rows = [json.loads(line) for line in (local / "history.jsonl").read_text().splitlines()]
    assert [row.get("word") for row in rows] == ["text"] * 4 + [None]
    assert (local / rows[4]["picture"]["path"]).read_bytes().startswith(b"\x89PNG")
    again = imported()
    assert not any(again["carried"].values())


def test_what_the_mirror_wrote_comes_back_as_it_was():
    odd = [math.nan, math.inf, -0.0, 1 / 3]
    with steno.start_run(run_name="mine") as run:
        steno.log_params({"lr": "0.10", "flag": True, "text": "1_0"})
        steno.set_tags({"a": "b", "mlflow.note.content": "noted"})
        for step, value in enumerate(odd):
            steno.log_metrics({"loss": value, "_step": 5.0}, step=-step)
    assert steno.flush()
    (found,) = importer.runs("wandb")
    stored = steno.get_run(run.run_id)
    assert found.params == stored.data.params
    assert (found.tags["a"], found.name, found.status) == ("b", "mine", "FINISHED")
    expected = {
        key: [(m.step, m.timestamp, repr(m.value)) for m in steno.Client().get_metric_history(run.run_id, key)]
        for key in stored.data.metrics
    }
    assert series_of(found) == expected
    assert found.experiment == "Default"


def test_a_torn_or_damaged_file_is_carried_as_far_as_it_is_whole():
    with steno.start_run() as run:
        for step in range(1500):  # more than a block
            steno.log_metric("loss", step / 7, step)
    assert steno.flush()
    (path,) = Path("wandb").glob(f"offline-run-*-{run.run_id}/*.wandb")
    content = path.read_bytes()
    whole = list(scanned(path))
    for trial in range(20):
        place = random.randrange(7, len(content)) if trial else content.index(b"0.142857") + 5  # within a number
        flipped = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        path.write_bytes(content[:place] if trial % 2 else flipped)
        (found,) = importer.runs("wandb")
        history = [(step, value) for step, _, value in series_of(found).get("loss", [])]
        assert history == [(step, repr(step / 7)) for step in range(len(history))]
        # Each record that ends before the damage is there: some 60 bytes are one row.
        assert len(history) >= (place - 2000) // (len(content) // len(whole)) - 40
        assert len(history) < 1500 or not found.problems or trial % 2 == 0 or place > len(content) - 2000
    path.write_bytes(content[:-3])
    os.utime(path, (1, 1))
    told = imported(status=1)
    assert told["carried"]["points"] == 1500
    assert "a record that is cut off at byte" in told["left"][0]
    (carried,) = [each for each in steno.search_runs(output_format="list") if each.info.run_id != run.run_id]
    assert carried.info.status == "KILLED"  # how it ended was said by the record that is cut off
    assert carried.data.tags["steno.end_reason"] == "lost"


def test_a_run_that_goes_on_is_carried_further_by_the_next_import():
    run = steno.start_run(run_name="long")
    steno.log_metric("loss", 1.0, 0)
    steno.flush()
    imported()
    steno.log_metric("loss", 2.0, 1)
    steno.end_run()
    steno.flush()
    assert imported()["carried"]["points"] == 1
    runs = steno.search_runs(search_all_experiments=True, output_format="list")
    (carried,) = [each for each in runs if each.info.run_id != run.run_id]
    assert (carried.info.status, carried.data.metrics) == ("FINISHED", {"loss": 2.0})


def test_a_folder_without_runs_is_said():
    Path("logs").mkdir()
    for place, sentence in (("logs", "there is no run (run-*.wandb) in logs or below"), ("none", "there is no none")):
        done = CliRunner().invoke(root, ["import", "wandb", "--from", place], obj=Session())
        assert done.exit_code == 1
        assert sentence in done.output
    Path("logs/run-x.wandb").write_text("not one")
    (run,) = importer.runs("logs")
    assert run.problems == [
        "logs/run-x.wandb: no header of Weights & Biases at byte 0; what comes before it is carried"
    ]
