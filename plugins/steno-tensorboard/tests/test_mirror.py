"""What TensorBoard reads is what the store has."""

from __future__ import annotations

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
from steno.records import Batch, RunChange, RunStart, Series
from tensorboard_reading import accumulated, folder_of, hparams, log_in_child, mirrored, stored


def test_every_point_is_there_with_its_step_time_and_value():
    with steno.start_run() as run:
        for step in range(5000):
            steno.log_metric("loss", random.random(), step)
            steno.log_metrics({"train/acc": step / 3, "val acc:1": -step / 7}, step)
    assert steno.flush()
    assert mirrored(run.run_id) == stored(run.run_id)
    assert len(mirrored(run.run_id)["loss"]) == 5000


def test_odd_values_steps_and_times_are_kept():
    odd = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-300, 1e300, 5e-324, 3.4e38, 1 / 3]
    steps = [0, -1, -(2**63), 2**63 - 1, 127, 128, 2**14, 2**14 - 1, 5, 5]
    with steno.start_run() as run:
        for key, times in (("few", 1), ("many", 200)):
            for number in range(times):
                for value, step in zip(odd, steps, strict=True):
                    steno.log_metric(key, value, step, timestamp=number)
    assert steno.flush()
    assert mirrored(run.run_id) == stored(run.run_id)


def test_a_run_is_a_folder_in_its_experiment_and_a_child_a_folder_in_its_parent():
    steno.set_experiment("churn")
    with steno.start_run(run_name="search") as parent:
        steno.log_metric("best", 1.0)
        with steno.start_run(run_name="candidate", nested=True) as child:
            steno.log_metric("score", 0.5)
    steno.flush()
    assert folder_of(parent.run_id) == Path(f"tensorboard/churn/search-{parent.run_id[-10:]}")
    assert folder_of(child.run_id) == folder_of(parent.run_id) / f"candidate-{child.run_id[-10:]}"
    assert mirrored(child.run_id) == stored(child.run_id)
    assert set(mirrored(parent.run_id)) == {"best"}


def test_children_that_come_whole_have_folders_too():
    with steno.start_run() as run:
        child = Batch(start=RunStart("", "candidate 1", 1), change=RunChange("FINISHED", 2), params={"depth": "3"})
        child.add_metric("score", 0.25, 1)
        child_id = run.add_child(child)
    steno.flush()
    assert mirrored(child_id) == stored(child_id)
    assert folder_of(child_id).parent == folder_of(run.run_id)


@pytest.mark.parametrize("name", ["a/b\\c", "..", ".hidden", "naïve 🚀", "x" * 400, "tab\tnew\nline", "🚀" * 100])
def test_any_name_makes_a_folder_below_the_root(name):
    steno.set_experiment(f"e {name}"[:400])
    with steno.start_run(run_name=name) as run:
        steno.log_metric("loss", 1.0)
    steno.flush()
    folder = folder_of(run.run_id)
    assert len(folder.resolve().relative_to(Path("tensorboard").resolve()).parts) == 2
    assert mirrored(run.run_id) == stored(run.run_id)


def test_params_stand_in_the_hparams_tab_as_what_they_were():
    with steno.start_run() as run:
        steno.log_params({"lr": 0.1, "depth": 3, "bootstrap": True, "solver": "lbfgs", "limit": math.inf})
        steno.log_metric("loss", 1.0)
        steno.flush()
        steno.log_param("told_late", "yes")
    steno.flush()
    values, status = hparams(run.run_id)
    assert values == {
        "lr": 0.1, "depth": 3.0, "bootstrap": True, "solver": "lbfgs", "limit": "inf", "told_late": "yes"
    }  # fmt: skip
    assert status == 1, "STATUS_SUCCESS"


def test_a_run_that_failed_says_so():
    run = steno.start_run()
    steno.log_param("depth", 3)
    steno.end_run("FAILED")
    steno.flush()
    assert hparams(run.run_id) == ({"depth": 3.0}, 2), "STATUS_FAILURE"


def test_tags_are_a_table_that_is_written_again_as_they_change():
    with steno.start_run(tags={"team": "a|b"}) as run:
        steno.log_metric("loss", 1.0)
        steno.flush()
        steno.set_tags({"stage": "two\nlines"})
        steno.flush()
    first, second = (
        e.tensor_proto.string_val[0].decode() for e in accumulated(folder_of(run.run_id)).Tensors("steno/tags")
    )
    assert "| team | a\\|b |" in first
    assert "stage" not in first
    assert {"| team | a\\|b |", "| stage | two<br>lines |"} <= set(second.splitlines())


def test_a_run_that_goes_on_later_has_everything_in_one_folder(store):
    with steno.start_run(run_name="long") as run:
        steno.log_param("first", 1)
        steno.log_metric("loss", 1.0, 1)
    steno.flush()
    script = f"""
import steno
steno.set_tracking_uri("runs")
with steno.start_run(run_id={run.run_id!r}, run_name="renamed"):
    steno.log_param("second", 2)
    steno.log_metric("loss", 0.5, 2)
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=store, timeout=60)
    assert mirrored(run.run_id) == stored(run.run_id)
    assert [step for step, *_ in mirrored(run.run_id)["loss"]] == [1, 2]
    assert hparams(run.run_id)[0] == {"first": 1.0, "second": 2.0}


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
    assert mirrored(run.run_id) == stored(run.run_id)
    assert set(mirrored(run.run_id)) == {"loss", "of child"}


def test_files_of_a_writer_of_the_users_are_not_touched():
    theirs = Path("tensorboard/mine/events.out.tfevents.1.theirs")
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"their own")
    with steno.start_run():
        steno.log_metric("loss", 1.0)
    steno.flush()
    assert theirs.read_bytes() == b"their own"
    assert [path.name for path in theirs.parent.iterdir()] == [theirs.name]


def test_the_folder_is_the_one_that_was_set_as_the_run_began(monkeypatch, tmp_path):
    monkeypatch.setenv("STENO_TENSORBOARD_DIR", "elsewhere")
    (tmp_path / "sub").mkdir()
    with steno.start_run() as run:
        monkeypatch.chdir(tmp_path / "sub")
        steno.log_metric("loss", 1.0)
        steno.flush()
    monkeypatch.chdir(tmp_path)
    assert mirrored(run.run_id, tmp_path / "elsewhere") == stored(run.run_id)


def test_a_folder_that_cannot_be_written_is_said_once_and_training_goes_on(caplog):
    Path("tensorboard").write_text("in the way")
    with caplog.at_level(logging.WARNING):
        for value in (1.0, 2.0, 3.0):
            with steno.start_run() as run:
                steno.log_metric("loss", value)
            assert steno.flush()
    said = [r.getMessage() for r in caplog.records if "tensorboard" in r.getMessage()]
    assert len(said) == 1, said
    assert steno.get_run(run.run_id).data.metrics == {"loss": 3.0}


def test_a_disk_that_fills_up_leaves_whole_records_and_later_batches_follow(monkeypatch):
    from steno_tensorboard import mirror

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
        patch.setattr(mirror.os, "write", nearly_full)
        for step in range(100, 600):
            steno.log_metric("loss", 2.0, step)
        assert steno.flush(), "the store has everything"
    steno.log_metric("loss", 3.0, 3)
    run.end()
    steno.flush()
    assert [step for step, *_ in mirrored(run.run_id)["loss"]] == [1, 3]
    assert len(stored(run.run_id)["loss"]) == 502


def test_a_million_points_are_written_in_pieces():
    import tracemalloc
    from array import array

    from steno_tensorboard.events import scalar_records

    count = 1_000_000
    series = Series("loss", array("q", range(count)), array("q", range(count)), array("d", range(count)))
    tracemalloc.start()
    size = sum(map(len, scalar_records(series)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size > 40 * count
    assert peak < 40 << 20


def test_nothing_heavy_is_imported_and_nothing_printed():
    script = """
import sys, steno
before = set(sys.modules)
with steno.start_run():
    assert "tensorboard" not in sys.modules
    steno.log_metric("loss", 1.0)
steno.flush()
heavy = {"tensorflow", "torch", "jax", "keras", "requests", "werkzeug"}
assert "tensorboard" in sys.modules and not heavy & (set(sys.modules) - before)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_example_of_the_page_runs(store):
    page = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    (example,) = re.findall(r"```python\n(.+?)```", page, re.DOTALL)
    subprocess.run([sys.executable, "-c", example], check=True, cwd=store, timeout=60)
    assert list(store.glob("tensorboard/Default/first-*/*tfevents*"))
