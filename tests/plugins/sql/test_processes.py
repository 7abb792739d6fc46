"""Many processes, one database."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest
from steno_sql.store import SqlStore

PROCESSES, BATCHES, POINTS = 32, 20, 100

WRITER = f"""
import sys
from steno_sql.store import SqlStore
from steno.records import Batch, RunStart, Token

uri, name = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
store = SqlStore(uri)
store.write(name, Batch(start=RunStart("0", name, 1)), Token(name, 0, 1))
for number in range({BATCHES}):
    batch = Batch()
    for step in range(number * {POINTS}, (number + 1) * {POINTS}):
        batch.add_metric("loss", step / 7, 1000 + step, step)
    store.write(name, batch, Token(name, number + 1, number + 2))
"""


def test_many_processes_write_at_once_into_a_database_that_does_not_exist_yet(tmp_path):
    uri = f"sqlite:///{tmp_path}/deep/steno.db"
    names = [f"run-{number}" for number in range(PROCESSES)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, uri, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for name in names
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    outcomes = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        output, _ = process.communicate(timeout=90)
        outcomes.append((process.returncode, output))
    assert outcomes == [(0, "")] * PROCESSES
    expected = [step / 7 for step in range(BATCHES * POINTS)]
    with closing(SqlStore(uri)) as store:
        for name in names:
            history = store.metric_history(name, "loss")
            assert list(history.values) == expected
            assert list(history.steps) == list(range(BATCHES * POINTS))
            assert store.get_run(name).data.summaries["loss"].count == len(expected)


ENDLESS = """
import sys
from steno_sql.store import SqlStore
from steno.records import Batch, RunStart, Token

store, number = SqlStore(sys.argv[1]), 0
store.write("run", Batch(start=RunStart("0", "run", 1)))
while True:
    batch = Batch()
    for step in range(number * 50, (number + 1) * 50):
        batch.add_metric("loss", step / 7, 1000 + step, step)
    store.write("run", batch, Token("writer", number, number + 1))
    number += 1
    print(number, flush=True)
"""


@pytest.mark.parametrize("seed", range(4))
def test_a_killed_writer_leaves_exactly_what_its_offset_says(tmp_path, seed):
    uri = f"sqlite:///{tmp_path}/steno.db"
    process = subprocess.Popen([sys.executable, "-c", ENDLESS, uri], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "1\n"
    time.sleep(random.Random(seed).uniform(0.0, 0.2))
    process.kill()
    acknowledged = int((process.communicate(timeout=30)[0].split() or ["1"])[-1])
    with closing(SqlStore(uri)) as store:
        offset = store.offset("writer")
        assert offset >= acknowledged
        assert list(store.metric_history("run", "loss").values) == [step / 7 for step in range(offset * 50)]
    with closing(sqlite3.connect(tmp_path / "steno.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
