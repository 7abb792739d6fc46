"""Many processes, one database of PostgreSQL: what each was told is stored is there, and there once."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from contextlib import closing

import psycopg
import pytest
from steno.records import Batch, RunStart, Token
from steno_sql import schema, versions
from steno_sql.store import SqlStore

PRELUDE = """
import os, random, signal, sys, time
from steno_sql.store import SqlStore
from steno.errors import StaleToken
from steno.records import Batch, RunStart, Token

store = SqlStore(sys.argv[1])

def points(number, key="loss"):
    batch = Batch(start=RunStart("0", "run", 1))
    for step in range(number * 50, (number + 1) * 50):
        batch.add_metric(key, step / 7, 1000 + step, step)
    return batch

print("ready", flush=True)
sys.stdin.readline()
"""
POINTS = [step / 7 for step in range(20 * 50)]


def _at_once(count: int, code: str, uri: str) -> list[str]:
    """Run code in processes that begin together, and return what each printed."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PRELUDE + code, uri, str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for number in range(count)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=90)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * count, said
    return said


def test_many_processes_may_make_the_tables_at_once(empty):
    assert _at_once(4, "print(store.get_experiment('0').name)", empty) == ["Default\n"] * 4


NOW, LATER = schema.VERSION, f"{int(schema.VERSION) + 1:04}"
MIGRATION = f"""
import sqlalchemy as sa
from alembic import op

revision = "{LATER}"
down_revision = "{NOW}"

def upgrade():
    with op.batch_alter_table("runs") as runs:
        runs.add_column(sa.Column("moved", sa.Integer, server_default="1"))
"""


def test_many_processes_may_move_an_old_database_at_once(empty, tmp_path):
    with closing(SqlStore(empty)) as store:
        store.write("run", Batch(start=RunStart("0", "old", 1)))
    folder = shutil.copytree(versions.MIGRATIONS, tmp_path / "migrations")
    (folder / "versions" / f"{LATER}_later.py").write_text(MIGRATION, "utf-8")
    code = (
        "from pathlib import Path; from steno_sql import schema, versions\n"
        f"schema.VERSION, versions.MIGRATIONS = {LATER!r}, Path({str(folder)!r})\n"
        "print(store.get_run('run').info.run_name)"
    )
    assert _at_once(4, code, empty) == ["old\n"] * 4
    with psycopg.connect(empty) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(LATER,)]
        assert connection.execute("SELECT run_id, moved FROM runs").fetchall() == [("run", 1)]


def test_two_processes_that_write_the_same_batches_write_them_once(uri):
    code = "for number in range(20): store.write('run', points(number), Token('writer', number, number + 1))"
    _at_once(2, code, uri)
    with closing(SqlStore(uri)) as store:
        assert list(store.metric_history("run", "loss").values) == POINTS
        assert (store.offset("writer"), store.get_run("run").data.summaries["loss"].count) == (20, len(POINTS))


def test_two_processes_that_write_to_one_series_of_one_run_lose_nothing(uri):
    code = "for number in range(20): store.write('run', points(number), Token(sys.argv[2], number, number + 1))"
    _at_once(2, code, uri)
    with closing(SqlStore(uri)) as store:
        history = store.metric_history("run", "loss")
        assert sorted(history.values) == sorted(POINTS * 2)
        summary = store.get_run("run").data.summaries["loss"]
        assert (summary.count, summary.max_step) == (2 * len(POINTS), len(POINTS) - 1)


KILLED = """
def write_for_ever(trial, told):
    number = 0
    while True:
        store.write(f"run-{trial}", points(number), Token(f"writer-{trial}", number, number + 1))
        store.write("shared", points(number, f"of-{trial}"), Token(f"sharer-{trial}", number, number + 1))
        number += 1
        os.write(told, b"%d\\n" % number)

store.get_experiment("0")
random.seed(8)
for trial in range(20):
    reading, told = os.pipe()
    child = os.fork()
    if child == 0:
        write_for_ever(trial, told)
    os.close(told)
    os.read(reading, 2)
    time.sleep(random.uniform(0.0, 0.1))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with open(reading) as rest:
        print(max([1, *map(int, rest.read().split())]), flush=True)
"""


@pytest.mark.slow
def test_of_writers_that_are_killed_nothing_acknowledged_is_lost_and_nothing_doubled(uri):
    done, written = threading.Event(), 0
    with closing(SqlStore(uri)) as store:

        def load() -> None:
            nonlocal written
            while not done.is_set():
                batch = Batch(start=RunStart("0", "run", 1))
                batch.add_metric("of-the-survivor", float(written), written, written)
                store.write("shared", batch, Token("survivor", written, written + 1))
                written += 1

        thread = threading.Thread(target=load)
        thread.start()
        try:
            acknowledged = [int(line) for line in _at_once(1, KILLED, uri)[0].split()]
        finally:
            done.set()
            thread.join()
        assert len(acknowledged) == 20
        assert list(store.metric_history("shared", "of-the-survivor").values) == [
            float(each) for each in range(written)
        ]
        for trial, count in enumerate(acknowledged):
            for run, key, writer in (
                (f"run-{trial}", "loss", f"writer-{trial}"),
                ("shared", f"of-{trial}", f"sharer-{trial}"),
            ):
                stored = store.offset(writer)
                assert stored >= count
                assert list(store.metric_history(run, key).values) == [step / 7 for step in range(stored * 50)]
                assert store.get_run(run).data.summaries[key].count == stored * 50
