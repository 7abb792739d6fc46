"""What `wandb` reads is what the store has."""

from __future__ import annotations

import json
import logging
import math
import multiprocessing
import os
import random
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import steno
from steno.records import Batch, RunChange, RunStart
from wandb_reading import (
    config_of,
    files_of,
    log_in_child,
    mirrored,
    parsed,
    points,
    rows_of,
    scanned,
    server,
    stored,
    sync,
    sync_knows,
)


def test_every_point_is_there_with_its_step_time_and_value():
    with steno.start_run() as run:
        for step in range(3000):
            steno.log_metric("loss", random.random(), step)
            steno.log_metrics({"train/acc": step / 3, "val acc:1": -step / 7}, step)
    assert steno.flush()
    assert mirrored(run.run_id) == stored(run.run_id)


def test_what_is_logged_together_stands_in_one_row():
    with steno.start_run() as run:
        for step in range(10):
            steno.log_metrics({"a": step, "b": step / 3}, step)
    steno.flush()
    (records,) = parsed(files_of(run.run_id))
    rows = rows_of(records)
    assert [(row["a"], row["b"], row["steno/step"]) for row in rows] == [(step, step / 3, step) for step in range(10)]


def test_odd_values_steps_times_and_keys_are_kept():
    odd = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-300, 1e300, 5e-324, 1 / 3, 2.0]
    steps = [0, -1, -(2**63), 2**63 - 1, 127, 128, 2**14, 2**14 - 1, 5, 5]
    with steno.start_run() as run:
        for value, step in zip(odd, steps, strict=True):
            steno.log_metric("loss", value, step, timestamp=1_700_000_000_000 - step % 7)
            steno.log_metric("größe/ä b", value, step)
            steno.log_metric("_step", value, step)
    assert steno.flush()
    wanted = stored(run.run_id)
    wanted["metric/_step"] = wanted.pop("_step")
    assert mirrored(run.run_id) == wanted


def test_params_tags_name_project_and_note_are_there():
    steno.set_experiment("churn/2024")
    with steno.start_run(run_name="first", description="why", tags={"team": "x"}) as run:
        steno.log_params({"lr": 0.1, "depth": 3, "bootstrap": True, "solver": 'l"b', "limit": math.inf, "none": None})
        steno.flush()
        steno.log_param("late", "yes")
        steno.set_tag("stage", "two")
    steno.flush()
    (records,) = parsed(files_of(run.run_id))
    head = next(record["run"] for record in records if "run" in record)
    assert (head["run_id"], head["display_name"], head["project"]) == (run.run_id, "first", "churn-2024")
    assert head["notes"] == "why"
    config = config_of(records)
    params = {"lr": 0.1, "depth": 3, "bootstrap": True, "solver": 'l"b', "limit": "inf", "none": "None", "late": "yes"}
    assert {key: value for key, value in config.items() if not key.startswith("steno/")} == params
    assert (config["steno/tags/team"], config["steno/tags/stage"]) == ("x", "two")


def test_the_summary_holds_the_last_of_each_series_and_the_exit_how_it_ended():
    run = steno.start_run()
    for step in range(5):
        steno.log_metric("loss", 1 / (step + 1), step)
    steno.end_run("FAILED")
    steno.flush()
    (records,) = parsed(files_of(run.run_id))
    summary = [item for record in records if "summary" in record for item in record["summary"]["update"]]
    assert {"key": "loss", "value_json": "0.2"} in summary
    assert [record["num"] for record in records] == [str(number) for number in range(1, len(records) + 1)]
    assert records[-1]["exit"]["exit_code"] == 1


def test_a_child_is_a_run_in_the_group_of_its_parent():
    with steno.start_run(run_name="search") as parent:
        with steno.start_run(run_name="candidate", nested=True) as child:
            steno.log_metric("score", 0.5)
        whole = Batch(start=RunStart("", "candidate 2", 1), change=RunChange("FINISHED", 2), params={"depth": "3"})
        whole.add_metric("score", 0.25, 1)
        whole_id = parent.add_child(whole)
    steno.flush()
    for run_id in (child.run_id, whole_id):
        (records,) = parsed(files_of(run_id))
        assert next(record["run"] for record in records if "run" in record)["run_group"].startswith("search-")
        assert mirrored(run_id) == stored(run_id)


@pytest.mark.parametrize("left", range(20))
def test_a_record_begins_wherever_a_block_ends(tmp_path, left):
    from steno_wandb import datastore

    path, first = tmp_path / "run.wandb", b"x" * (datastore.BLOCK - 7 - 7 - left)
    datastore.append(path, [first, b"second", b"y" * 2 * datastore.BLOCK, b"third"])
    assert list(scanned(path)) == [first, b"second", b"y" * 2 * datastore.BLOCK, b"third"]


def test_records_of_any_length_fit_the_blocks(tmp_path):
    from steno_wandb import datastore

    path = tmp_path / "x.wandb"
    # The sum of the lengths runs over every place that a block can end at.
    records = [bytes([number % 251]) * (number * 37 % 1009) for number in range(4000)]
    records += [b"long" * 30_000, b"", *[b"x" * length for length in range(32_700, 32_770)]]
    for start in range(0, len(records), 100):
        datastore.append(path, records[start : start + 100])
    assert list(scanned(path)) == records
    assert list(datastore.read(path)) == records


@pytest.mark.slow
def test_wandb_sync_takes_it_and_sends_what_the_store_has(store):
    steno.set_experiment("churn")
    with steno.start_run(run_name="long") as run:
        steno.log_params({"lr": 0.1})
        for step in range(300):
            steno.log_metrics({"loss": 1 / (step + 1), "acc": step / 3}, step)
    steno.flush()
    script = f"""
import steno
steno.set_tracking_uri("runs")
with steno.start_run(run_id={run.run_id!r}):
    for step in range(300, 350):
        steno.log_metric("loss", 1 / (step + 1), step)
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=store, timeout=60)
    assert len(files_of(run.run_id)) == 2
    first, second = (path.parent for path in files_of(run.run_id))
    with server() as found:
        if sync_knows("--append"):  # before `wandb sync` saw by itself that a run goes on
            said = sync(found.address, first) + sync(found.address, "--append", second)
        else:
            said = sync(found.address, first, second)
    assert said.count("Finished syncing") + said.count("... done") == 2, said
    lines = found.lines[run.run_id]
    rows = [json.loads(lines[number]) for number in range(len(lines))]
    assert points(rows) == stored(run.run_id)
    about = found.runs[run.run_id]
    assert (about["project"], about["displayName"]) == ("churn", "long")
    assert json.loads(about["config"])["lr"]["value"] == 0.1
    assert found.ended == {run.run_id: 0}


def test_a_run_that_goes_on_later_has_a_file_for_each_process(store):
    with steno.start_run() as run:
        steno.log_metric("loss", 1.0, 1)
    steno.flush()
    script = f"""
import steno
steno.set_tracking_uri("runs")
with steno.start_run(run_id={run.run_id!r}):
    steno.log_metric("loss", 0.5, 2)
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=store, timeout=60)
    assert mirrored(run.run_id) == stored(run.run_id)
    _, second = parsed(files_of(run.run_id))
    about = next(record["run"] for record in second if "run" in record)
    assert (about["resumed"], about["starting_step"]) == (True, "1")


def test_a_tag_that_comes_behind_the_end_makes_no_file():
    with steno.start_run() as run:
        steno.log_metric("loss", 1.0)
    steno.flush()
    late = run.further()
    late.set_tags({"late": "yes"})
    late.release()
    steno.flush()
    assert len(files_of(run.run_id)) == 1


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_that_share_a_run_write_files_of_their_own(method):
    with steno.start_run() as run, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of a fork beside threads
        steno.log_metric("loss", 1.0)
        steno.flush()
        process = multiprocessing.get_context(method).Process(target=log_in_child, args=(run, 2.0))
        process.start()
        process.join(60)
        steno.log_metric("loss", 2.0)
    assert process.exitcode == 0
    steno.flush()
    found = [points(rows_of(records)) for records in parsed(files_of(run.run_id))]
    wanted = stored(run.run_id)
    assert found == [{"loss": wanted["loss"]}, {"of child": wanted["of child"]}]


def test_the_variables_of_wandb_are_heeded(monkeypatch, tmp_path):
    monkeypatch.setenv("WANDB_DIR", str(tmp_path / "there"))
    monkeypatch.setenv("WANDB_PROJECT", "mine")
    monkeypatch.setenv("WANDB_ENTITY", "us")
    with steno.start_run() as run:
        steno.log_metric("loss", 1.0)
    steno.flush()
    (records,) = parsed(files_of(run.run_id, tmp_path / "there" / "wandb"))
    head = next(record["run"] for record in records if "run" in record)
    assert (head["project"], head["entity"]) == ("mine", "us")
    monkeypatch.setenv("WANDB_MODE", "disabled")
    with steno.start_run() as run:
        steno.log_metric("loss", 1.0)
    steno.flush()
    assert files_of(run.run_id, tmp_path / "there" / "wandb") == []


def test_a_folder_that_cannot_be_written_is_said_once_and_training_goes_on(caplog):
    Path("wandb").write_text("in the way")
    with caplog.at_level(logging.WARNING):
        for value in (1.0, 2.0, 3.0):
            with steno.start_run() as run:
                steno.log_metric("loss", value)
            assert steno.flush()
    said = [r.getMessage() for r in caplog.records if "wandb" in r.getMessage()]
    assert len(said) == 1, said
    assert steno.get_run(run.run_id).data.metrics == {"loss": 3.0}


def test_a_disk_that_fills_up_leaves_whole_records_and_later_batches_follow(monkeypatch):
    from steno_wandb import datastore

    write, room = os.write, [1000]

    def nearly_full(file: int, content: bytes) -> int:
        if len(content) > room[0]:
            count = write(file, bytes(content)[: room[0]]) if room[0] else 0
            room[0] = 0
            if not count:
                raise OSError(28, "No space left on device")
            return count
        return write(file, content)

    run = steno.start_run()
    steno.log_metric("loss", 1.0, 1)
    steno.flush()
    with monkeypatch.context() as patch:
        patch.setattr(datastore.os, "write", nearly_full)
        for step in range(100, 600):
            steno.log_metric("loss", 2.0, step)
        assert steno.flush(), "the store has everything"
    steno.log_metric("loss", 3.0, 3)
    run.end()
    steno.flush()
    assert [step for step, *_ in mirrored(run.run_id)["loss"]] == [1, 3]


LEFT = """
import atexit, os, signal, sys, threading, time
import steno
with steno.start_run():
    steno.log_metric("loss", 1.0)
    steno.flush()
while any(thread.name == "steno-recovery" for thread in threading.enumerate()):
    time.sleep(0.01)
os.environ.pop("STENO_BLOCK_PLUGINS")
print(sorted(os.environ.items()), sys.stdout, sys.stderr, sys.excepthook, atexit._ncallbacks())
print([signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)], sys.path, os.getcwd())
print(sorted(thread.name for thread in threading.enumerate() if thread.name != "steno-observer-wandb"))
print(sorted(set(sys.modules) & {"wandb", "google.protobuf", "requests", "subprocess", "numpy"}))
"""


def test_the_training_process_is_as_it_is_without_the_mirror(store):
    found = []
    for blocked in ("tensorboard", "tensorboard,wandb"):
        environ = {**os.environ, "STENO_BLOCK_PLUGINS": blocked}
        command = [sys.executable, "-c", LEFT]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        found.append(done.stdout)
    assert found[0] == found[1]
    assert len(list(store.glob("wandb/*/*.wandb"))) == 1


def test_the_example_of_the_page_runs(store):
    page = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    (example,) = re.findall(r"```python\n(.+?)```", page, re.DOTALL)
    subprocess.run([sys.executable, "-c", example], check=True, cwd=store, timeout=60)
    assert list(store.glob("wandb/offline-run-*/*.wandb"))
