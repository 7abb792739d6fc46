"""The database behind a store under everything that happens to files, threads and processes."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
import threading
import time
from array import array
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from steno.errors import InvalidValue, NotFound, StoreError, StoreUnavailable
from steno.queries import And, Compare, Entity, Field, RunQuery
from steno.records import Batch, Dataset, DatasetInput, ModelOutput, RunStart, Series, Token
from steno_sql import forking, sqlite
from steno_sql.store import SqlStore

START = Batch(start=RunStart("0", "run", 1))
NOBODY = 65534


@pytest.fixture
def path(tmp_path):
    return tmp_path / "steno.db"


@pytest.fixture
def store(path):
    with closing(SqlStore(f"sqlite:///{path}")) as store:
        yield store


@pytest.mark.parametrize("uri", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "mysql://host/db", "steno.db"])
def test_a_uri_that_names_no_file_is_refused(uri):
    with pytest.raises(InvalidValue):
        SqlStore(uri)


def test_nothing_is_made_before_the_first_call(tmp_path):
    store = SqlStore(f"sqlite:///{tmp_path}/deep/down/steno.db")
    assert list(tmp_path.iterdir()) == []
    store.write("r1", START)
    assert (tmp_path / "deep/down/steno.db").exists()
    store.close()


def test_a_relative_uri_keeps_its_place_when_the_working_directory_changes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = SqlStore("sqlite:///runs/steno.db")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    store.write("r1", START)
    assert (tmp_path / "runs/steno.db").exists()
    assert store.get_run("r1").info.artifact_uri == f"{tmp_path}/runs/artifacts/0/r1/artifacts"
    store.close()


@pytest.mark.parametrize("name", ["with space.db", "per%20cent.db", "ques?tion#mark.db", "größe.db"])
def test_a_file_name_may_hold_any_character(tmp_path, name):
    with closing(SqlStore(f"sqlite:///{tmp_path}/{name}")) as store:
        store.write("r1", START)
    assert (tmp_path / name).exists()


def test_an_empty_file_becomes_a_store(path):
    path.touch()
    with closing(SqlStore(f"sqlite:///{path}")) as store:
        assert store.get_experiment("0").name == "Default"


def test_readers_do_not_wait_for_a_writer(store, path):
    store.write("r1", START)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert store.get_run("r1").info.run_name == "run"


def test_a_store_locked_for_too_long_is_unavailable_and_later_works(path, monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY_S", 0.2)
    with closing(SqlStore(f"sqlite:///{path}")) as store:
        store.write("r1", START)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable):
                store.write("r2", START)
        store.write("r2", START)


def test_a_full_disk_is_unavailable_and_later_works(store):
    store.write("r1", START)
    count = 200_000
    values = array("d")
    values.frombytes(os.urandom(8 * count))
    noise = Series("m", array("q", range(count)), array("q", range(count)), values)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, limits[1]))
    try:
        with pytest.raises(StoreUnavailable):
            store.write("r1", Batch(series={"m": noise}))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert len(store.metric_history("r1", "m")) == 0
    store.write("r1", Batch(series={"m": noise}))
    assert store.metric_history("r1", "m").values.tobytes() == noise.values.tobytes()


def test_a_damaged_file_is_named_with_what_to_do(path):
    path.write_bytes(b"this is no database at all" * 1000)
    with pytest.raises(StoreError, match=r"steno\.db.*fsck` says") as caught:
        SqlStore(f"sqlite:///{path}").get_experiment("0")
    assert type(caught.value) is StoreError


def test_damage_met_later_is_named_too(store, path):
    count = 100_000
    ramp = array("q", range(count))
    noise = array("d")
    noise.frombytes(os.urandom(8 * count))
    store.write("r1", Batch(start=START.start, series={"m": Series("m", ramp, ramp, noise)}))
    store.compact()
    store.close()
    with path.open("r+b") as file:
        for page in range(20, 100):
            file.seek(page * 4096)
            file.write(b"\xff" * 4096)
    with pytest.raises(StoreError, match="fsck` says"):
        store.metric_history("r1", "m")
    store.close()


def _as_nobody(folder: Path, code: str) -> str:
    """Run code in a process that may read but not write what root made."""
    prelude = (
        "import os, sys\n"
        "from steno_sql.store import SqlStore\nfrom steno.records import *\nfrom steno.errors import *\n"
        "import sqlalchemy.dialects.sqlite, alembic\n"
        f"if os.getuid() == 0: os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n"
        f"store = SqlStore('sqlite:///{folder}/steno.db')\n"
    )
    command = [sys.executable, "-c", prelude + code]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, cwd="/").stdout


READ_ONLY = """
print(store.get_run('r1').info.run_name, len(store.metric_history('r1', 'm')))
try: store.write('r1', Batch(tags={'a': 'b'}))
except StoreReadOnly as error: print(type(error).__name__)
"""


@pytest.fixture
def shared(tmp_path):
    """A folder that other users can reach."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    return tmp_path


@pytest.mark.parametrize("closed", [True, False])
def test_a_store_that_cannot_be_written_is_read(shared, closed):
    store = SqlStore(f"sqlite:///{shared}/steno.db")
    store.write(
        "r1", Batch(start=START.start, series={"m": Series("m", array("q", [1]), array("q", [1]), array("d", [2]))})
    )
    if closed:
        store.close()
    shared.chmod(0o555)
    (shared / "steno.db").chmod(0o444)
    try:
        assert _as_nobody(shared, READ_ONLY) == "run 1\nStoreReadOnly\n"
    finally:
        shared.chmod(0o755)
        store.close()


def test_a_folder_that_cannot_be_made_is_read_only(shared):
    shared.chmod(0o555)
    code = "store = SqlStore(store.uri.replace('steno.db', 'sub/steno.db'))\n"
    code += "try: store.get_experiment('0')\nexcept StoreReadOnly: print('read-only')"
    try:
        assert _as_nobody(shared, code) == "read-only\n"
    finally:
        shared.chmod(0o755)


def test_a_folder_that_is_a_file_is_unavailable(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable):
        SqlStore(f"sqlite:///{tmp_path}/file/steno.db").get_experiment("0")


def test_a_store_that_is_deleted_while_open_is_made_anew(store, path):
    store.write("r1", START)
    for each in path.parent.glob("steno.db*"):
        each.unlink()
    with pytest.raises(NotFound):
        store.write("r1", Batch(tags={"a": "b"}))
    store.write("r2", START)
    with closing(SqlStore(store.uri)) as other:
        assert other.get_run("r2").info.run_name == "run"


def test_a_forked_child_writes_with_connections_of_its_own(store):
    store.write("r1", START)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            store.write("r2", START)
            store.close()
            code = 0
        finally:
            os._exit(code)
    for number in range(20):
        store.write("r1", Batch(params={f"p{number}": "1"}))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.get_run("r2").info.run_name == "run"
    assert len(store.get_run("r1").data.params) == 20


def _exit_code_of_child(work: Callable[[], object]) -> int:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except StoreUnavailable:
            code = 2
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_fork_waits_for_the_writes_of_other_threads(store, monkeypatch):
    monkeypatch.setattr(forking, "FORK_WAIT_S", 10.0)
    store.write("r1", START)
    done = threading.Event()

    def write() -> None:
        number = 0
        while not done.is_set():
            store.write("r1", Batch(tags={"n": str(number)}))
            number += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for number in range(5):
            assert _exit_code_of_child(partial(store.write, f"child-{number}", START)) == 0
    finally:
        done.set()
        thread.join()
    assert store.get_run("child-4").info.run_name == "run"


def test_a_fork_in_the_middle_of_a_long_write_leaves_a_child_that_says_so(store, path):
    store.write("r1", START)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        thread = threading.Thread(target=store.write, args=("r2", START))
        thread.start()
        while not store._database._calls._count:
            thread.join(0.01)
        assert _exit_code_of_child(lambda: store.get_run("r1")) == 2
        other.execute("ROLLBACK")
        thread.join()
    assert store.get_run("r2").info.run_name == "run"


def test_a_child_that_outlives_its_parents_connections_loses_nothing(store, tmp_path):
    store.write("r1", START)
    go, child = tmp_path / "go", os.fork()
    if child == 0:
        code = 1
        try:
            store.write("r2", START)
            (tmp_path / "written").touch()
            while not go.exists():
                time.sleep(0.005)
            for number in range(50):
                store.write("r2", Batch(params={f"p{number}": "1"}))
            store.close()
            code = 0
        finally:
            os._exit(code)
    while not (tmp_path / "written").exists():
        time.sleep(0.005)
    store.close()
    store.write("r3", START)
    store.close()
    go.touch()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(store.get_run("r2").data.params) == 50
    assert store.get_run("r3").info.run_name == "run"


@pytest.mark.parametrize(
    "batch",
    [
        Batch(params={"p": "\ud800"}),
        Batch(tags={"\udfff": "x"}),
        Batch(series={"m": Series("m\ud800", array("q", [1]), array("q", [1]), array("d", [1]))}, tags={"a\ud800": ""}),
    ],
)
def test_text_that_is_no_unicode_is_refused_and_nothing_of_it_stays(store, batch):
    store.write("r1", START)
    with pytest.raises(InvalidValue):
        store.write("r1", batch)
    assert store.get_run("r1").data.params == {}


def test_a_condition_too_large_for_sqlite_is_refused(store):
    part = Compare(Field(Entity.METRIC, "m"), ">", 1)
    with pytest.raises(InvalidValue, match="conditions"):
        store.search_runs(RunQuery(("0",), And((part,) * 2000)))
    assert store.search_runs(RunQuery(("0",), And((part,) * 490))) == []
    tag = Field(Entity.TAG, "k")
    for compare in (Compare(tag, "LIKE", "%a" * 30_000), Compare(tag, "IN", tuple(map(str, range(40_000))))):
        with pytest.raises(InvalidValue, match="at most"):
            store.search_runs(RunQuery(("0",), compare))
    assert store.search_runs(RunQuery(("0",), Compare(tag, "=", "a" * 60_000))) == []
    assert store.search_runs(RunQuery(tuple(map(str, range(40_000))))) == []


def test_ilike_knows_letters_beyond_ascii(store):
    store.write("r1", Batch(start=START.start, tags={"k": "ÄRGER"}))
    for op, expected in (("ILIKE", 1), ("LIKE", 0)):
        assert len(store.search_runs(RunQuery(("0",), Compare(Field(Entity.TAG, "k"), op, "ärg%")))) == expected


def test_compacting_gives_the_space_of_purged_runs_back(store, path):
    noise = array("d")
    noise.frombytes(os.urandom(8 * 100_000))
    ramp = array("q", range(100_000))
    store.write("r1", Batch(start=START.start, series={"m": Series("m", ramp, ramp, noise)}))
    store.compact()
    before = path.stat().st_size
    store.delete_run("r1")
    store.purge_runs(2**52)
    store.compact()
    assert before > 700_000
    assert path.stat().st_size < 200_000


def test_purging_leaves_no_row_of_the_run_behind(store, path):
    batch = Batch(start=RunStart("0", "a", 1, tags={"a": "b"}), params={"p": "1"})
    batch.inputs, batch.outputs = [DatasetInput(Dataset("d", "1", "t", "s"))], [ModelOutput("m-1")]
    for step in range(600):
        batch.add_metric("m", 0.5, step, step)
    store.write("r1", batch, Token("w", 0, 9))
    store.delete_run("r1")
    store.purge_runs(2**52)
    store.close()
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {name: connection.execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0] for name in names}
    assert {name for name, count in rows.items() if count} == {"experiments", "alembic_version", "sqlite_sequence"}


def test_runs_that_begin_while_a_search_is_paged_do_not_shift_its_pages(store):
    for number in range(6):
        store.write(f"old-{number}", Batch(start=RunStart("0", "a", number)))
    first = store.search_runs(RunQuery(("0",), max_results=3))
    store.write("new", Batch(start=RunStart("0", "a", 99)))
    rest = store.search_runs(RunQuery(("0",), max_results=3, page_token=first.token))
    assert [run.info.run_id for run in (*first, *rest)] == [f"old-{number}" for number in (5, 4, 3, 2, 1, 0)]
    assert rest.token is None
