"""Exports to files: what is in them is what the store has, and a folder read back is the store it was."""

from __future__ import annotations

import json
import math
import random
import signal
import subprocess
import sys
from array import array
from pathlib import Path
from typing import Any

import pyarrow.dataset as datasets
import pytest
import steno
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from steno.cli.root import steno as root
from steno.cli.session import Session
from steno.queries import ExperimentQuery, LoggedModelQuery, RegistryQuery, RunQuery, ViewType
from steno.records import (
    Batch,
    Dataset,
    DatasetInput,
    InputTag,
    Metric,
    ModelInput,
    ModelOutput,
    ModelStart,
    RunChange,
    RunStart,
    Series,
)
from steno.tracking import places

NOTED = ("steno.imported_from", "steno.import_complete")
SOURCE, TARGET = "sqlite:///source/steno.db", "sqlite:///target/steno.db"
"""In folders of their own, for their files are beside them."""


@pytest.fixture(autouse=True)
def forgotten():
    """Forget the stores of a test."""
    yield
    places.forget_stores()


def command(*words: str | Path, store: str = SOURCE) -> Result:
    """Run `steno` on a store, and return what it said."""
    return CliRunner().invoke(root, [*map(str, words), "-u", store], obj=Session())


def carried(*words: str | Path, store: str = SOURCE) -> dict[str, Any]:
    """The same, where all goes well; what it says as JSON."""
    done = command(*words, "--json", store=store)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def opened(uri: str) -> Any:
    """The store of an address."""
    return places.run_store(places.absolute_uri(uri))


def everything(uri: str) -> dict[str, Any]:
    """All that a store holds, but for where it is, when it was put there, and what transfers note."""
    store, registry = opened(uri), places.registry_store(places.absolute_uri(uri))
    experiments = store.search_experiments(ExperimentQuery(view=ViewType.ALL))
    names = {each.experiment_id: each.name for each in experiments}
    return {
        "experiments": sorted((each.name, each.lifecycle_stage, _own(each.tags)) for each in experiments),
        "runs": {
            run.info.run_id: _run(store, run, names) for run in store.search_runs(RunQuery(None, view=ViewType.ALL))
        },
        "models": {
            model.model_id: _model(model, names)
            for model in store.search_logged_models(LoggedModelQuery(None, view=ViewType.ALL))
        },
        "registered": [
            (model.name, model.description, _own(model.tags), sorted(model.aliases.items()))
            for model in registry.search_registered_models(RegistryQuery())
        ],
        "versions": sorted(
            (v.name, v.version, v.run_id, v.model_id, v.current_stage, v.description, _own(v.tags), sorted(v.aliases))
            for v in registry.search_model_versions(RegistryQuery())
        ),
    }


def _own(tags: dict[str, str]) -> list[tuple[str, str]]:
    return sorted(item for item in tags.items() if item[0] not in NOTED)


def _run(store: Any, run: Any, names: dict[str, str]) -> dict[str, Any]:
    info = run.info
    series = {key: store.metric_history(info.run_id, key) for key in run.data.metrics}
    return {
        "head": (names[info.experiment_id], info.run_name, info.status, info.user_id, info.lifecycle_stage),
        "times": (info.start_time, info.end_time),
        "params": run.data.params,
        "tags": _own(run.data.tags),
        "points": {key: (list(one.steps), list(one.times), repr(list(one.values))) for key, one in series.items()},
        "inputs": sorted(map(repr, run.inputs.dataset_inputs)),
        "models": (run.inputs.model_inputs, run.outputs.model_outputs),
        "files": _files(places.artifact_store(info.artifact_uri)),
    }


def _model(model: Any, names: dict[str, str]) -> tuple[Any, ...]:
    points = sorted((m.key, m.step, m.timestamp, repr(m.value), m.run_id) for m in model.metrics)
    head = (names[model.experiment_id], model.name, model.source_run_id, model.status, model.model_type)
    return head, model.params, _own(model.tags), points, _files(places.artifact_store(model.artifact_location))


def _files(store: Any, key: str = "") -> dict[str, bytes]:
    found = {}
    for entry in store.list(key):
        if entry.is_dir:
            found |= _files(store, entry.path)
        else:
            with store.open(entry.path) as file:
                found[entry.path] = file.read()
    return found


def record(count: int) -> list[str]:
    """Record some runs, and return their ids."""
    store, ids = opened(SOURCE), [f"{number:032x}" for number in range(1, count + 1)]
    for number, run_id in enumerate(ids):
        batch = Batch(
            RunStart("0", f"run {number}", 1000 + number), RunChange("FINISHED", 2000), {"n": str(number)}, {"t": "é\n"}
        )
        for step in range(number + 1):
            batch.add_metric("loss", [0.5, math.nan, math.inf, -math.inf, -0.0][step % 5], step, -step)
        store.write(run_id, batch)
    return ids


def make_whole_store() -> None:
    """Make a store with one of everything."""
    steno.set_tracking_uri(SOURCE)
    store = opened(SOURCE)
    gone = store.create_experiment("gone", tags={"a": "b"})
    kept = store.create_experiment("kept")
    run_id, model_id = "a" * 32, "m-" + "b" * 32
    data = DatasetInput(Dataset("d", "1f", "local", "x", "{}", ""), (InputTag("mlflow.data.context", "train"),))
    store.write(
        run_id,
        Batch(
            RunStart(kept.experiment_id, "one", 5, "me"),
            RunChange("FAILED", 9),
            inputs=[data],
            models=[ModelStart(model_id, "net", 6, 3, "linear", {"depth": "2"}, {"m": "t"})],
            model_points=[Metric("acc", math.nan, 7, 3, model_id=model_id, run_id=run_id)],
        ),
    )
    store.write("c" * 32, Batch(RunStart(gone.experiment_id, "two", 6), model_inputs=[ModelInput(model_id)]))
    store.finalize_logged_model(model_id, "READY")
    store.delete_experiment(gone.experiment_id)
    places.artifact_store(store.get_run(run_id).info.artifact_uri).put("notes/ä b.txt", b"\x00text")
    files = store.get_logged_model(model_id).artifact_location
    places.artifact_store(files).put("MLmodel", b"flavors: {}\n")
    registry = places.registry_store(places.absolute_uri(SOURCE))
    registry.create_registered_model("net", tags={"of": "mine"}, description="what it is")
    for source in (files, f"models:/{model_id}"):
        registry.create_model_version("net", source, run_id=run_id, model_id=model_id, tags={"v": "1"})
    registry.set_registered_model_alias("net", "champion", "1")
    registry.transition_model_version_stage("net", "2", "Staging")
    assert store.get_run(run_id).outputs.model_outputs == [ModelOutput(model_id, 3)]


def test_a_folder_read_back_is_the_whole_store_again():
    make_whole_store()
    before = everything(SOURCE)
    assert before["runs"]["a" * 32]["files"] == {"notes/ä b.txt": b"\x00text"}
    carried("export", "directory", "--to", "out")
    carried("import", "directory", "--from", "out", store=TARGET)
    assert everything(TARGET) == before
    again = carried("import", "directory", "--from", "out", store=TARGET)
    assert not any(again["carried"].values())
    location = opened(TARGET).get_logged_model("m-" + "b" * 32).artifact_location
    registry = places.registry_store(places.absolute_uri(TARGET))
    assert registry.get_model_version("net", "1").source == location  # not where it was


numbers = st.integers(-(2**63), 2**63 - 1)
texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=8)
ODD = Series(
    "é", array("q", [-1, 2**63 - 1] * 2), array("q", [5] * 4), array("d", [math.nan, math.inf, -math.inf, -0.0])
)
keys = st.text("ab/ é.", min_size=1, max_size=4)
batches = st.builds(
    lambda name, start, change, params, tags, series: Batch(
        RunStart("0", name or "-", start), change, params, tags, {each.key: each for each in series}
    ),
    texts,
    st.integers(0, 2**50),
    st.builds(RunChange, st.sampled_from(["FINISHED", "FAILED", "KILLED"]), st.integers(0, 2**50)),
    st.dictionaries(keys, texts, max_size=3),
    st.dictionaries(keys, texts, max_size=3),
    st.lists(
        st.builds(
            lambda key, rows: Series(
                key,
                array("q", [r[0] for r in rows]),
                array("q", [r[1] for r in rows]),
                array("d", [r[2] for r in rows]),
            ),
            keys,
            st.lists(st.tuples(numbers, st.integers(0, 2**50), st.floats()), min_size=1, max_size=5),
        ),
        max_size=3,
    ),
)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@example(runs=[Batch(RunStart("0", "odd", 1), series={"é": ODD})], deleted={0})
@given(runs=st.lists(batches, min_size=1, max_size=5), deleted=st.sets(st.integers(0, 4)))
def test_every_value_comes_back_as_it_was(tmp_path_factory, monkeypatch, runs, deleted):
    monkeypatch.chdir(tmp_path_factory.mktemp("round"))
    places.forget_stores()
    for number, batch in enumerate(runs):
        run_id = f"{number:032x}"
        opened(SOURCE).write(run_id, batch)
        if number in deleted:
            opened(SOURCE).delete_run(run_id)
    carried("export", "directory", "--to", "out")
    carried("import", "directory", "--from", "out", store=TARGET)
    assert everything(TARGET)["runs"] == everything(SOURCE)["runs"]


def test_parquet_and_json_lines_hold_every_row_of_the_store():
    make_whole_store()
    record(6)
    carried("export", "parquet", "--to", "columns")
    carried("export", "jsonl", "--to", "lines")
    tables = {path.name for path in Path("lines").iterdir() if path.is_dir()}
    assert tables == {path.name for path in Path("columns").iterdir() if path.is_dir()}
    for table in tables:
        parts = sorted(Path("lines", table).iterdir())
        lines = [json.loads(line) for path in parts for line in path.read_bytes().splitlines()]
        rows = datasets.dataset(f"columns/{table}").to_table().to_pylist()
        assert sorted(map(_comparable, lines)) == sorted(map(_comparable, rows)), table
    points = datasets.dataset("columns/metrics").to_table().to_pylist()
    assert [point["value"] for point in points if point["run_id"] == f"{6:032x}"][2:5] == [math.inf, -math.inf, -0.0]
    assert len(points) == sum(range(1, 7))


def _comparable(row: dict[str, Any]) -> str:
    def simple(value: Any, key: str) -> Any:
        if key in ("tags", "params", "aliases") and isinstance(value, list) and not any(map(_is_text, value)):
            return dict(value)  # a map is a list of pairs in Arrow
        if isinstance(value, list):
            return [
                {name: simple(each[name], name) for name in sorted(each)} if isinstance(each, dict) else each
                for each in value
            ]
        return float(value) if key == "value" and value in ("NaN", "Infinity", "-Infinity") else value

    return repr({key: simple(row[key], key) for key in sorted(row)})


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


KILLED = """
import os, signal, sys
from steno.cli.root import main
from steno_transfer.exporting import exporter, json_lines
exporter._PART_ENTRIES = 3
left = int(sys.argv.pop())
add = json_lines.JsonLines.add
def counted(self, table, row):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    add(self, table, row)
json_lines.JsonLines.add = counted
main()
"""


def test_an_export_that_was_killed_goes_on_and_ends_as_one_that_was_not():
    record(12)
    for number in range(1, 13):
        uri = opened(SOURCE).get_run(f"{number:032x}").info.artifact_uri
        places.artifact_store(uri).put("file.bin", bytes([number]) * number)
    words = ["export", "directory", "-u", SOURCE, "--to", "out"]
    for _ in range(3):
        killed = subprocess.run(
            [sys.executable, "-c", KILLED, *words, str(random.randint(2, 18))], timeout=60, check=False
        )
        assert killed.returncode == -signal.SIGKILL
    carried("export", "directory", "--to", "out")
    carried("export", "directory", "--to", "whole")
    assert _content("out") == _content("whole")
    for folder in ("out", "whole"):
        manifest = json.loads(Path(folder, "manifest.json").read_text())
        listed = {file["path"] for part in manifest["parts"] for file in part["files"]}
        assert listed == {path.relative_to(folder).as_posix() for path in _paths(folder)} - {"manifest.json"}
    carried("import", "directory", "--from", "out", store=TARGET)
    assert everything(TARGET)["runs"] == everything(SOURCE)["runs"]


def _paths(folder: str) -> list[Path]:
    return [path for path in sorted(Path(folder).rglob("*")) if path.is_file()]


def _content(folder: str) -> dict[str, list[bytes]]:
    """The rows of each table, and the files, however they are parted."""
    found: dict[str, list[bytes]] = {}
    for path in _paths(folder):
        if path.suffix == ".jsonl":
            found.setdefault(path.parent.name, []).extend(path.read_bytes().splitlines())
        elif path.name != "manifest.json":
            found[path.relative_to(folder).as_posix()] = [path.read_bytes()]
    return {name: sorted(rows) for name, rows in found.items()}


def test_what_is_damaged_is_told_and_the_rest_is_carried():
    ids = record(3)
    for run_id in ids:
        places.artifact_store(opened(SOURCE).get_run(run_id).info.artifact_uri).put("a.txt", b"text")
    carried("export", "directory", "--to", "out")
    Path("out/artifacts", ids[0], "a.txt").write_bytes(b"taxt")
    Path("out/artifacts", ids[1], "a.txt").unlink()
    table = next(Path("out/tags").iterdir())
    content = table.read_bytes()
    table.write_bytes(content.replace(b"t", b"u", 1))
    done = command("import", "directory", "--from", "out", "--json", store=TARGET)
    assert done.exit_code == 1
    told = "\n".join(json.loads(done.stdout)["left"])
    assert f"artifacts/{ids[0]}/a.txt is not as it was exported" in told
    assert f"artifacts/{ids[1]}/a.txt cannot be read: No such file or directory" in told
    assert "tags/part-00000.jsonl is not as it was exported" in told
    found = everything(TARGET)["runs"]
    assert [found[run_id]["files"] for run_id in ids] == [{}, {}, {"a.txt": b"text"}]
    assert found[ids[2]]["points"] == everything(SOURCE)["runs"][ids[2]]["points"]
    table.write_bytes(content)
    command("import", "directory", "--from", "out", store=TARGET)
    assert everything(TARGET)["runs"][ids[2]] == everything(SOURCE)["runs"][ids[2]]


def test_a_part_of_a_store_has_the_models_of_its_runs():
    make_whole_store()
    record(2)
    told = carried("export", "jsonl", "--to", "out", "--experiment", "kept", "--no-deleted")["written"]
    counts = {name: told[name] for name in ("runs", "models", "registered_models", "model_versions", "experiments")}
    assert counts == {"runs": 1, "models": 1, "registered_models": 1, "model_versions": 2, "experiments": 1}
    told = carried("export", "jsonl", "--to", "few", "--filter", "params.n = '1'")["written"]
    assert (told["runs"], told["metrics"], "models" in told, "registered_models" in told) == (1, 2, False, False)


def test_what_cannot_be_exported_to_or_read_back_is_said_in_a_sentence():
    record(1)
    carried("export", "directory", "--to", "out")
    carried("export", "jsonl", "--to", "lines")
    Path("other").mkdir()
    Path("other/file").touch()
    Path("begun").mkdir()
    Path("begun/progress.jsonl").write_text('{"source":"elsewhere","tables":"jsonl"}\n{"na')
    for words, sentence in {
        ("export", "directory", "--to", "out"): "out holds a complete export already; name another folder",
        ("export", "jsonl", "--to", "other"): "other is not empty and holds no export; name another folder",
        ("export", "jsonl", "--to", "begun"): "begun holds an interrupted export of something else (elsewhere, jsonl)",
        ("export", "jsonl", "--to", "x", "-e", "none"): "none",
        ("import", "directory", "--from", "nowhere"): "there is no folder nowhere",
        ("import", "directory", "--from", "other"): "other holds no complete export",
        ("import", "directory", "--from", "begun"): "for it was interrupted: call `steno export directory` again",
        ("import", "directory", "--from", "lines"): "was made by `steno export jsonl`, which cannot be read back",
    }.items():
        done = command(*words)
        assert done.exit_code == 1, words
        assert sentence in done.stderr, words
    assert not Path("x").exists()


def test_files_that_are_out_of_reach_are_told_and_the_rest_is_exported():
    store = opened(SOURCE)
    away = store.create_experiment("away", artifact_location="nobody://serves/this")
    store.write("e" * 32, Batch(RunStart(away.experiment_id, "one", 5), params={"a": "b"}))
    done = command("export", "directory", "--to", "out", "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert told["written"]["params"] == 1
    (left,) = told["left"]
    assert f"artifacts of run {'e' * 32}: nothing installed serves 'nobody://" in left
