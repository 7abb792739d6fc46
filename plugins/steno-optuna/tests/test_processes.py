"""Several processes on one storage: one run for all of them, each trial once, and nothing of ours in the storage."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
import steno
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from steno.records import Tags
from steno.tracking import recovery

WORKER = """
import sys, time, optuna, steno
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
optuna.logging.set_verbosity(optuna.logging.ERROR)
where, count, pause = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
storage = where if "://" in where else JournalStorage(JournalFileBackend(where))
steno.autolog()
study = optuna.load_study(study_name="shared", storage=storage, sampler=optuna.samplers.RandomSampler())

def objective(trial):
    x = trial.suggest_float("x", -1, 1)
    trial.report(x, 0)
    print("trial", trial.number, flush=True)
    if pause < 0:  # until it is told to go on
        sys.stdin.readline()
    else:
        time.sleep(pause)
    return x * x

study.optimize(objective, n_trials=count)
"""


def storage_of(kind: str, folder: Path) -> tuple[str, Any]:
    """Return what the workers are told, and the storage itself; the study is there, without trials."""
    told = f"sqlite:///{folder}/optuna.db" if kind == "sqlite" else str(folder / "optuna.log")
    storage = told if kind == "sqlite" else JournalStorage(JournalFileBackend(told))
    optuna.create_study(study_name="shared", storage=storage)
    return told, storage


@pytest.fixture
def worker() -> Any:
    """Start a process that optimizes; those that are left are killed."""
    started: list[subprocess.Popen[str]] = []

    def start(where: str, count: int, pause_s: float = 0.0) -> subprocess.Popen[str]:
        command = [sys.executable, "-W", "ignore", "-c", WORKER, where, str(count), str(pause_s)]
        started.append(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def finished(process: subprocess.Popen[str]) -> None:
    _, err = process.communicate("go on\n" * 10, timeout=100)
    assert process.returncode == 0, err
    assert "steno" not in err, err


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.05)


@pytest.mark.parametrize("kind", ["sqlite", "journal"])
def test_two_processes_record_one_study(recorded, worker, tmp_path, kind):
    where, storage = storage_of(kind, tmp_path)
    for process in [worker(where, 5, 0.05), worker(where, 5, 0.05)]:
        finished(process)
    study = optuna.load_study(study_name="shared", storage=storage)
    parent = recorded.study()
    assert (parent.info.run_name, parent.info.status) == ("shared", "FINISHED")
    assert [run.data.tags["number"] for run in recorded.trials()] == [str(number) for number in range(10)]
    assert [run.data.metrics["value"] for run in recorded.trials()] == [trial.value for trial in study.trials]
    assert {run.info.status for run in recorded.trials()} == {"FINISHED"}
    assert parent.data.metrics["n_trials"] == 10.0
    assert parent.data.metrics["best_value"] == study.best_value

    steno.autolog()
    study.optimize(lambda trial: 1.0, n_trials=1)  # and a third, later
    assert recorded.study().data.tags["best_trial"] == str(study.best_trial.number)
    assert recorded.study().info.run_id == parent.info.run_id
    assert len(recorded.trials()) == 11


def test_the_study_ends_with_the_last_process(recorded, worker, tmp_path):
    where, _ = storage_of("journal", tmp_path)
    slow = worker(where, 2, -1)
    assert slow.stdout.readline()
    finished(worker(where, 2))
    assert recorded.study().info.status == "RUNNING"
    finished(slow)
    assert recorded.study().info.status == "FINISHED"
    assert len(recorded.trials()) == 4


def test_a_killed_process_leaves_a_killed_trial_and_the_others_go_on(recorded, worker, tmp_path):
    where, _ = storage_of("journal", tmp_path)
    doomed = worker(where, 5, -1)
    doomed.stdout.readline()
    until(lambda: [run.info.status for run in recorded.runs()] == ["RUNNING"] * 2)
    other = worker(where, 3, -1)
    other.stdout.readline()
    os.kill(doomed.pid, signal.SIGKILL)
    doomed.wait()
    recovery.replay(tmp_path / "journals")
    assert recorded.study().info.status == "RUNNING", "another process is still in it"
    finished(other)
    first, *others = recorded.trials()
    assert (first.info.status, first.data.tags[Tags.END_REASON]) == ("KILLED", "lost")
    assert "x" in first.data.params
    assert recorded.series(first, "intermediate_value")
    assert [run.info.status for run in others] == ["FINISHED"] * 3
    assert recorded.study().info.status == "FINISHED"


def test_a_study_whose_only_process_is_killed_is_killed_until_it_goes_on(recorded, worker, tmp_path):
    where, storage = storage_of("sqlite", tmp_path)
    doomed = worker(where, 5, -1)
    doomed.stdout.readline()
    until(lambda: [run.info.status for run in recorded.runs()] == ["RUNNING"] * 2)
    os.kill(doomed.pid, signal.SIGKILL)
    doomed.wait()
    recovery.replay(tmp_path / "journals")
    assert [run.info.status for run in recorded.runs()] == ["KILLED"] * 2

    steno.autolog()
    study = optuna.load_study(study_name="shared", storage=storage)
    study.optimize(lambda trial: 1.0, n_trials=1)
    assert recorded.study().info.status == "FINISHED"
    assert [run.info.status for run in recorded.trials()] == ["KILLED", "FINISHED"]


def test_nothing_of_ours_is_written_to_the_users_storage(tmp_path):
    def content(name: str) -> dict[str, list[Any]]:
        url = f"sqlite:///{tmp_path}/{name}.db"
        study = optuna.create_study(study_name="s", storage=url, sampler=optuna.samplers.TPESampler(seed=0))
        study.optimize(lambda trial: trial.suggest_float("x", -1, 1) ** 2, n_trials=4)
        with sqlite3.connect(tmp_path / f"{name}.db") as connection:
            tables = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]
            rows = {table: connection.execute(f"select * from {table}").fetchall() for table in sorted(tables)}
        connection.close()
        times = {(each[0], each[1]) for each in rows.pop("trials")}
        return {**rows, "trials": sorted(times)}

    plain = content("plain")
    steno.autolog()
    assert content("ours") == plain
