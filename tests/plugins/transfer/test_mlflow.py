"""Imports of MLflow's stores: what arrives is what the source's own tables and files say, once, and damage is told."""

from __future__ import annotations

import json
import math
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from steno.cli.root import steno as root
from steno.cli.session import Session
from steno.errors import NotFound
from steno.queries import ExperimentQuery, RunQuery, ViewType
from steno.records import Run
from steno.tracking import places

DATA = Path(__file__).parent / "data"
OUTERMOST = sys.float_info.max
NOTED = ("steno.imported_from", "steno.import_complete")


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    places.forget_stores()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The artifacts of the sources."""
    folder = tmp_path / "files"
    unpack("files.json", folder, folder)
    return folder


@pytest.fixture
def database(tmp_path: Path, files: Path) -> Path:
    """A database that MLflow 3.17 made."""
    path = tmp_path / "mlflow.db"
    with sqlite3.connect(path) as connection:
        connection.executescript((DATA / "mlflow.sql").read_text("utf-8").replace("FILES", f"file://{files}"))
    connection.close()
    return path


@pytest.fixture
def folder(tmp_path: Path, files: Path) -> Path:
    """A folder that MLflow 3.17 made, moved since: the files of its logged model lie beside, not where it says."""
    path = tmp_path / "mlruns"
    unpack("mlruns.json", path, files)
    (model,) = path.glob("*/models/*/params/depth")
    (model.parents[1] / "artifacts").mkdir()
    (model.parents[1] / "artifacts" / "MLmodel").write_text("flavors: {}\n")
    return path


def unpack(name: str, folder: Path, files: Path) -> None:
    for key, text in json.loads((DATA / name).read_text("utf-8")).items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("FILES", f"file://{files}"), "utf-8")


def bring(source: str | Path, *options: str, tool: str = "mlflow", to: str = "sqlite:///steno.db") -> Result:
    """Run `steno import`."""
    return CliRunner().invoke(root, ["import", tool, "--from", str(source), "-u", to, *options], obj=Session())


def report(source: str | Path, *options: str, status: int = 0) -> dict[str, Any]:
    """The same, as what it says in JSON."""
    done = bring(source, *options, "--json")
    assert done.exit_code == status, done.output
    return json.loads(done.stdout)


def runs() -> dict[str, Run]:
    """What was brought, by run id."""
    store = places.run_store(places.absolute_uri("sqlite:///steno.db"))
    return {run.info.run_id: run for run in store.search_runs(RunQuery(None, view=ViewType.ALL))}


def named(name: str) -> Run:
    return next(run for run in runs().values() if run.info.run_name == name)


def points(run_id: str, key: str) -> list[tuple[int, int, str]]:
    found = places.run_store(places.absolute_uri("sqlite:///steno.db")).metric_history(run_id, key)
    return [(step, at, repr(value)) for step, at, value in zip(found.steps, found.times, found.values, strict=True)]


def said(run: Run) -> dict[str, str]:
    return {key: value for key, value in run.data.tags.items() if key not in NOTED}


def everything() -> list[Any]:
    """All that is stored of runs, in a form to compare."""
    return sorted(
        (run.info.run_id, repr(run.info), sorted(run.data.params.items()), sorted(said(run).items()),
         [(key, points(run.info.run_id, key)) for key in sorted(run.data.metrics)], repr(run.inputs), repr(run.outputs))
        for run in runs().values()
    )  # fmt: skip


def test_all_that_the_tables_of_a_database_say_of_runs_arrives(database: Path) -> None:
    told = report(f"sqlite:///{database}")
    source = sqlite3.connect(database)
    heads = source.execute("SELECT run_uuid, name, user_id, status, start_time, end_time, lifecycle_stage FROM runs")
    carried = runs()
    for run_id, *head in heads.fetchall():
        run = carried.pop(run_id)
        info = run.info
        assert [info.run_name, info.user_id, info.status, info.start_time, info.end_time, info.lifecycle_stage] == head
        params = source.execute("SELECT key, value FROM params WHERE run_uuid = ?", (run_id,))
        assert run.data.params == dict(params.fetchall())
        tags = source.execute("SELECT key, value FROM tags WHERE run_uuid = ?", (run_id,))
        assert said(run) == dict(tags.fetchall())
        rows = source.execute("SELECT key, step, timestamp, value, is_nan FROM metrics WHERE run_uuid = ?", (run_id,))
        logged: dict[str, list[tuple[int, int, str]]] = {}
        for key, step, at, value, is_nan in rows:
            real = math.nan if is_nan else math.copysign(math.inf, value) if abs(value) == OUTERMOST else value
            logged.setdefault(key, []).append((step, at, repr(real)))
        assert {key: points(run_id, key) for key in run.data.metrics} == logged
    source.close()
    assert not carried
    assert told["carried"]["points"] == 33
    assert [value for _, _, value in points(named("parent").info.run_id, "loss")[2:5]] == ["nan", "inf", "-inf"]


def test_experiments_datasets_models_and_files_arrive(database: Path, files: Path) -> None:
    report(f"sqlite:///{database}")
    uri = places.absolute_uri("sqlite:///steno.db")
    store, registry = places.run_store(uri), places.registry_store(uri)
    experiments = {each.name: each for each in store.search_experiments(ExperimentQuery(view=ViewType.ALL))}
    assert {name: each.experiment_id for name, each in experiments.items()} == {
        "Default": "0", "vision": "1", "gone": "2", "empty": "3"
    }  # fmt: skip
    assert experiments["gone"].lifecycle_stage == "deleted"
    assert experiments["vision"].tags["mlflow.note.content"] == "About\nvision ü"
    parent, child = named("parent"), named("child")
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
    (used,) = parent.inputs.dataset_inputs
    assert (used.dataset.name, {tag.key: tag.value for tag in used.tags}) == (
        "train", {"split": "1", "mlflow.data.context": "training"}
    )  # fmt: skip
    (made,) = parent.outputs.model_outputs
    model = store.get_logged_model(made.model_id)
    assert (model.name, model.status, model.source_run_id) == ("model", "READY", parent.info.run_id)
    assert model.params["depth"] == "3"
    assert model.tags["kept"] == "gold"
    assert ("val", 4, 0.75, "train") in [(m.key, m.step, m.value, m.dataset_name) for m in model.metrics]
    for at, source in (
        (parent.info.artifact_uri, files / "vision" / parent.info.run_id / "artifacts"),
        (model.artifact_location, files / "vision" / "models" / model.model_id / "artifacts"),
    ):
        copied = {p.relative_to(at).as_posix(): p.read_bytes() for p in Path(at).rglob("*") if p.is_file()}
        assert copied == {p.relative_to(source).as_posix(): p.read_bytes() for p in source.rglob("*") if p.is_file()}
    churn = registry.get_registered_model("churn")
    assert (churn.description, churn.aliases, churn.tags["owner"]) == ("Predicts churn", {"champion": "1"}, "ann")
    versions = {number: registry.get_model_version("churn", number) for number in ("1", "3", "4")}
    assert [each.current_stage for each in versions.values()] == ["Staging", "Production", "None"]
    assert versions["1"].model_id == model.model_id
    assert versions["4"].source == f"{parent.info.artifact_uri}/notes"
    with pytest.raises(NotFound):  # it was deleted at the source
        registry.get_model_version("churn", "2")


def test_a_second_import_changes_nothing(database: Path) -> None:
    first = report(f"sqlite:///{database}")
    before = everything()
    second = report(f"sqlite:///{database}")
    assert everything() == before
    assert sum(second["carried"].values()) == 0
    assert second["already_there"] == first["carried"]["runs"] + 1 + 3 - 1, "runs, a model, versions, less one running"


def test_a_folder_arrives_as_a_database_does(folder: Path) -> None:
    assert report(folder)["carried"]["artifacts"] == 2
    parent = named("parent")
    assert [value for _, _, value in points(parent.info.run_id, "loss")[2:5]] == ["nan", "inf", "-inf"]
    assert [step for step, _, _ in points(parent.info.run_id, "neg")] == [-5, 9]
    assert "neg dir/sub dir" in parent.data.metrics
    assert parent.data.tags["colour"] == "blue é"
    assert {name: named(name).info.lifecycle_stage for name in ("deleted", "child")} == {
        "deleted": "deleted", "child": "active"
    }  # fmt: skip
    assert named("failed").info.status == "FAILED"
    before = everything()
    report(folder)
    assert everything() == before


def test_a_running_run_goes_on_where_the_last_import_left_it(database: Path) -> None:
    run_id = "f" * 32
    with sqlite3.connect(database) as source:
        source.execute(
            "INSERT INTO runs (run_uuid, name, status, start_time, lifecycle_stage, artifact_uri, experiment_id) "
            "VALUES (?, 'long', 'RUNNING', 1, 'active', '', 1)", (run_id,)
        )  # fmt: skip
        log(source, run_id, range(5))
        source.commit()
        report(f"sqlite:///{database}")
        log(source, run_id, range(5, 9))
        source.execute("UPDATE runs SET status = 'FINISHED', end_time = 7 WHERE run_uuid = ?", (run_id,))
    source.close()
    assert report(f"sqlite:///{database}")["carried"]["points"] == 4
    assert [step for step, _, _ in points(run_id, "m")] == list(range(9))
    assert (runs()[run_id].info.status, runs()[run_id].info.end_time) == ("FINISHED", 7)


def log(source: sqlite3.Connection, run_id: str, steps: range, key: str = "m") -> None:
    rows = [(key, step / 7, step, run_id, step) for step in steps]
    source.executemany("INSERT INTO metrics (key, value, timestamp, run_uuid, step) VALUES (?, ?, ?, ?, ?)", rows)


def test_missing_files_are_told_and_come_with_a_later_import(database: Path, files: Path) -> None:
    model = next((files / "vision" / "models").iterdir())
    away = model.rename(files / "away")
    told = report(f"sqlite:///{database}", status=1)
    (left,) = told["left"]
    assert "its files are not at" in left
    assert told["carried"]["artifacts"] == 3, "those of the run"
    away.rename(model)
    again = report(f"sqlite:///{database}")
    assert again["carried"]["artifacts"] == 4
    assert report(f"sqlite:///{database}")["carried"]["artifacts"] == 0


def test_files_that_were_left_where_they_are_come_with_a_later_import(database: Path) -> None:
    assert report(f"sqlite:///{database}", "--no-artifacts")["carried"]["artifacts"] == 0
    assert report(f"sqlite:///{database}", "--no-artifacts")["carried"]["runs"] == 0
    assert report(f"sqlite:///{database}")["carried"]["artifacts"] == 7


def test_a_dry_run_counts_the_same_and_writes_nothing(database: Path, tmp_path: Path) -> None:
    counted = report(f"sqlite:///{database}", "--dry-run")["carried"]
    assert not (Path.cwd() / "steno.db").exists()
    carried = report(f"sqlite:///{database}")["carried"]
    assert {**counted, "experiments": 0} == {**carried, "experiments": 0}, "Default was here already"


def test_one_experiment_may_be_chosen_and_deleted_things_left_out(database: Path) -> None:
    assert report(f"sqlite:///{database}", "--experiment", "Default")["carried"]["runs"] == 1
    report(f"sqlite:///{database}", "--no-deleted")
    assert {run.info.run_name for run in runs().values()} == {
        "in default", "parent", "child", "failed", "killed", "still running"
    }  # fmt: skip
    unknown = bring(f"sqlite:///{database}", "--experiment", "nowhere")
    assert "there is no experiment 'nowhere' at the source; there are Default, vision" in unknown.output


def test_a_registered_model_of_the_same_name_gets_further_versions(database: Path) -> None:
    registry = places.registry_store(places.absolute_uri("sqlite:///steno.db"))
    registry.create_registered_model("churn")
    registry.create_model_version("churn", "file:///mine")
    registry.set_registered_model_alias("churn", "champion", "1")
    told = report(f"sqlite:///{database}", status=1)
    assert "version 1 of model churn is 2 here" in told["renamed"]
    assert told["left"] == ["alias champion of model churn stands for version 1 here already"]
    assert registry.get_model_version("churn", "1").source == "file:///mine"


@pytest.mark.parametrize("part", [0.9, 0.6, 0.35])
def test_of_a_truncated_database_is_carried_what_can_be_read(database: Path, part: float) -> None:
    whole = database.read_bytes()
    database.write_bytes(whole[: int(len(whole) * part)])
    done = bring(f"sqlite:///{database}")
    assert done.exit_code == 1
    assert "Traceback" not in done.output
    assert "malformed" in done.output
    assert done.exception is None or isinstance(done.exception, SystemExit)


def test_damage_to_single_files_of_a_folder_costs_only_those(folder: Path) -> None:
    metric = next(folder.glob("*/*/metrics/acc"))
    whole = len(metric.read_text().splitlines())
    metric.write_text(metric.read_text().rstrip() + "\n170000\nxx yy zz\n")
    head = next(path for path in folder.glob("*/*/meta.yaml") if "run_name: failed" in path.read_text())
    head.write_bytes(b"\xff\xfe: [")
    told = report(folder, status=1)["left"]
    assert len(told) == 2, told
    assert any(" and 1 more of " in each and "the other lines were read" in each for each in told), told
    assert any("meta.yaml cannot be read" in each for each in told)
    assert len(points(named("parent").info.run_id, "acc")) == whole
    assert len(runs()) == 8


def test_an_unknown_schema_is_said_and_read_as_far_as_it_is_known(database: Path) -> None:
    with sqlite3.connect(database) as source:
        source.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
        source.execute("DROP TABLE logged_models")
        source.execute("ALTER TABLE experiments DROP COLUMN creation_time")
        source.execute(
            "INSERT INTO trace_info (request_id, experiment_id, timestamp_ms, status) VALUES ('t', 1, 1, 'OK')"
        )
    source.close()
    told = report(f"sqlite:///{database}", status=1)
    assert "the database has the schema ffffffffffff" in told["notes"][0]
    assert "1 traces: steno does not keep such things" in told["left"]
    assert told["carried"]["runs"] == 8


@pytest.mark.parametrize(
    ("location", "sentence"),
    [
        ("sqlite:///nowhere.db", "there is no file nowhere.db"),
        ("nowhere", "there is nothing at nowhere: give sqlite:///mlflow.db, a folder mlruns or http://…"),
        ("postgresql://host/mlflow", "a postgresql database is read by way of its server: start `mlflow server"),
        ("ftp://host/x", "'ftp://host/x' is no place that MLflow keeps runs"),
        (".", "is no folder of MLflow's: nothing in it has a meta.yaml; give the folder mlruns"),
        ("text.db", "text.db cannot be read as a SQLite database"),
        ("other.db", "other.db is no MLflow database: it has no table experiments"),
    ],
)
def test_what_is_no_store_of_mlflows_is_one_clear_sentence(location: str, sentence: str) -> None:
    Path("text.db").write_text("no database at all " * 100)
    with sqlite3.connect("other.db") as other:
        other.execute("CREATE TABLE t (a)")
    other.close()
    done = bring(location)
    assert done.exit_code == 1
    assert sentence in done.output
    assert len(done.output.splitlines()) == 1
    assert not Path("steno.db").exists()


def test_a_tool_that_nobody_imports_from_is_named_with_those_there_are() -> None:
    done = bring("x", tool="paper")
    assert "nothing installed imports from 'paper'; there are" in done.output
    assert "mlflow" in done.output


@pytest.mark.slow
def test_an_import_that_is_killed_five_times_ends_as_one_that_is_not(database: Path, tmp_path: Path) -> None:
    with sqlite3.connect(database) as source:
        for number in range(60):
            run_id = f"{number:032x}"
            source.execute(
                "INSERT INTO runs (run_uuid, name, status, start_time, end_time, lifecycle_stage, artifact_uri, "
                "experiment_id) VALUES (?, ?, 'FINISHED', 1, 2, 'active', '', 1)", (run_id, f"run {number}"),
            )  # fmt: skip
            log(source, run_id, range(2000))
    source.close()
    report(f"sqlite:///{database}")
    expected = everything()
    places.forget_stores()
    for path in Path.cwd().glob("steno.db*"):
        path.unlink()
    shutil.rmtree("artifacts", ignore_errors=True)
    command = [sys.executable, "-c", "from steno.cli import main; main()", "import", "mlflow", "--from",
               f"sqlite:///{database}", "-u", "sqlite:///steno.db"]  # fmt: skip
    chance, killed = random.Random(9), 0
    while killed < 5:
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while child.poll() is None and not Path("steno.db").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.3))
        child.send_signal(signal.SIGKILL)
        child.wait()
        killed += 1
    report(f"sqlite:///{database}")
    assert everything() == expected
