"""Databases of other versions: moved forward, refused, left alone."""

from __future__ import annotations

import json
import math
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from steno.errors import StoreError, StoreTooNew
from steno.model_records import LoggedModelStatus
from steno.queries import LoggedModelQuery, ViewType
from steno.records import Batch, Dataset, DatasetInput, InputTag, LifecycleStage, ModelOutput, RunStart, Token
from steno_sql import schema
from steno_sql.registry.store import SqlRegistry
from steno_sql.store import SqlStore

OLD = Path(__file__).parent / "version_1.sql"


@pytest.fixture
def old(tmp_path):
    """A database as the first version of the tables held it."""
    path = tmp_path / "steno.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(OLD.read_text("utf-8"))
    return path


def _tables(path):
    """Every column, index, foreign key and trigger of a database."""
    with closing(sqlite3.connect(path)) as connection:
        names = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")
        ]
        pragmas = ("table_xinfo", "index_list", "foreign_key_list")
        described = {}
        for name in names:
            rows = {pragma: connection.execute(f"PRAGMA {pragma}({name})").fetchall() for pragma in pragmas}
            rows["index_list"] = sorted(row[1:] for row in rows["index_list"] if not row[1].startswith("sqlite_"))
            described[name] = rows
        strict = connection.execute("SELECT name, wr FROM pragma_table_list WHERE type = 'table' ORDER BY 1").fetchall()
        version = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        triggers = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY 1"
        ).fetchall()
    return described, strict, version, triggers


def test_an_old_database_is_moved_forward_with_its_data(old):
    store = SqlStore(f"sqlite:///{old}")
    run = store.get_run("r1")
    assert (run.info.run_name, run.info.status, run.info.user_id, run.info.end_time) == (
        "calm-otter",
        "FINISHED",
        "ada",
        5000,
    )
    assert run.data.params == {"lr": "0.1", "größe": "é"}
    assert run.data.tags == {"k": "v", "mlflow.runName": "calm-otter"}
    assert run.data.metrics["accuracy"] == 0.75
    assert list(store.metric_history("r1", "loss").values) == [math.sin(index) for index in range(700)]
    odd = store.metric_history("r1", "odd").values
    assert (odd[0], odd[1] != odd[1], odd[2]) == (1.5, True, math.inf)
    used = DatasetInput(Dataset("train.csv", "d1", "local", "{}"), (InputTag("mlflow.data.context", "training"),))
    assert run.inputs.dataset_inputs == [used]
    assert run.outputs.model_outputs == [ModelOutput("m-1", 7)]
    assert store.get_run("r2").info.lifecycle_stage == LifecycleStage.DELETED
    assert store.get_experiment_by_name("digits").tags == {"team": "a"}
    assert store.offset("writer-1") == 4096
    store.write("r1", Batch(tags={"more": "1"}), Token("writer-1", 4096, 5000))
    assert store.offset("writer-1") == 5000


def test_an_old_database_becomes_a_registry_too(old):
    with closing(SqlRegistry(f"sqlite:///{old}")) as registry, closing(SqlStore(f"sqlite:///{old}")) as store:
        registry.create_registered_model("churn")
        assert registry.create_model_version("churn", "runs:/r1/model", run_id="r1").version == "1"
        assert len(registry.registry_events("churn")) == 2
        assert store.get_run("r1").info.run_name == "calm-otter"


def _history(*entries):
    return json.dumps([{"run_id": "r1", "utc_time_created": "2026-01-31 12:00:00.5", **each} for each in entries])


def test_models_that_an_old_run_told_of_become_entities(old):
    kept, gone, plain = "m-" + "a" * 32, "m-" + "b" * 32, "c" * 32
    told = _history(
        {"artifact_path": "model", "model_uuid": gone},
        {"artifact_path": "model", "model_uuid": kept},
        {"artifact_path": "best/one", "model_uuid": plain},
    )
    alone = _history({"artifact_path": "m", "model_uuid": "d" * 32})
    with closing(sqlite3.connect(old)) as connection:
        tags = [(1, told), (2, alone)]
        connection.executemany("INSERT INTO tags VALUES (?, 'mlflow.log-model.history', ?)", tags)
        connection.commit()
    with closing(SqlStore(f"sqlite:///{old}")) as store:
        run, model = store.get_run("r1"), store.get_logged_model(kept)
        assert (model.name, model.status, model.source_run_id) == ("model", LoggedModelStatus.READY, "r1")
        assert model.artifact_location == f"{run.info.artifact_uri}/model"
        assert (model.params, model.metrics) == (run.data.params, [])
        assert (
            datetime.fromtimestamp(model.creation_timestamp / 1000, UTC).isoformat()
            == "2026-01-31T12:00:00.500000+00:00"
        )
        lost = store.get_logged_model(gone)
        assert (lost.status, "overwritten" in lost.status_message) == (LoggedModelStatus.FAILED, True)
        assert lost.artifact_location.endswith(f"/models/{gone}/artifacts")
        assert store.get_logged_model(f"m-{plain}").artifact_location.endswith("/best/one")
        assert {made.model_id for made in run.outputs.model_outputs} == {"m-1", kept, gone, f"m-{plain}"}
        other = store.get_run("r2")
        taken = {each.key: each.value for each in store.get_logged_model("m-" + "d" * 32).metrics}
        assert taken == other.data.metrics
        query = LoggedModelQuery(None, view=ViewType.ALL)
        assert len(store.search_logged_models(query)) == 4


@pytest.mark.parametrize(
    "text", ["", "{", "7", "[7, {}]", '[{"model_uuid": 3, "artifact_path": "a"}]', '[{"model_uuid": "x"}]']
)
def test_what_is_no_list_of_models_is_passed_over(old, text):
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("INSERT INTO tags VALUES (1, 'mlflow.log-model.history', ?)", (text,))
        connection.commit()
    with closing(SqlStore(f"sqlite:///{old}")) as store:
        assert store.search_logged_models(LoggedModelQuery(None)) == []
        assert store.get_run("r1").data.tags["mlflow.log-model.history"] == text


def test_the_old_database_is_kept_beside_the_new(old):
    before = _tables(old)
    with closing(SqlStore(f"sqlite:///{old}")) as store:
        store.get_run("r1")
    assert _tables(old.with_name("steno.db.v1.bak")) == before
    assert sorted(path.name for path in old.parent.iterdir()) == ["steno.db", "steno.db.v1.bak"]


def test_a_moved_database_is_like_a_new_one(old, tmp_path):
    with closing(SqlStore(f"sqlite:///{old}")) as store:
        store.get_run("r1")
    with closing(SqlStore(f"sqlite:///{tmp_path}/new.db")) as store:
        store.get_experiment("0")
    assert _tables(old) == _tables(tmp_path / "new.db")


def test_many_processes_may_move_it_at_once(old):
    code = f"from steno_sql.store import SqlStore; print(SqlStore('sqlite:///{old}').get_run('r1').info.run_name)"
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(4)
    ]
    assert [process.communicate(timeout=60)[0] for process in processes] == ["calm-otter\n"] * 4


def test_a_migration_that_fails_leaves_the_database_as_it_was(old):
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("CREATE TABLE _alembic_tmp_offsets (in_the_way INTEGER)")
        connection.commit()
    before = _tables(old)
    with pytest.raises(StoreError):
        SqlStore(f"sqlite:///{old}").get_run("r1")
    assert _tables(old) == before


def test_a_database_of_a_later_steno_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "steno.db"
    with closing(SqlStore(f"sqlite:///{path}")) as store:
        store.write("r1", Batch(start=RunStart("0", "a", 1)))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0099'")
        connection.commit()
    with pytest.raises(StoreTooNew, match=f"0099.*{schema.VERSION}.*upgrade"):
        SqlStore(f"sqlite:///{path}").get_run("r1")


@pytest.mark.parametrize("version", [None, "a1b2c3d4e5f6"])
def test_somebody_elses_database_is_refused_and_left_alone(tmp_path, version):
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE experiments (a TEXT)")
        if version:
            connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
            connection.execute("INSERT INTO alembic_version VALUES (?)", (version,))
        connection.commit()
    with pytest.raises(StoreError, match="not a steno store"):
        SqlStore(f"sqlite:///{path}").get_experiment("0")
    with closing(sqlite3.connect(path)) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    assert names <= {"experiments", "alembic_version"}


def test_opening_a_database_of_this_version_does_not_load_alembic(tmp_path):
    code = (
        "import sys; from steno_sql.store import SqlStore\n"
        f"SqlStore('sqlite:///{tmp_path}/steno.db').get_experiment('0'); print('alembic' in sys.modules)"
    )
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout == "False\n"
