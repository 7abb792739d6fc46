"""Logged models: entities of their own, made by hand, by `log_model` and by autologging."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import steno
from hypothesis import given
from hypothesis import strategies as st
from steno.entities import LoggedModel, LoggedModelInput, LoggedModelStatus, Metric
from steno.errors import FilterError, InvalidValue, NotFound, ParamConflict
from steno.queries import DatasetRef, ModelOrderKey
from steno.tracking.search import parse_datasets, parse_logged_models

X = np.arange(12.0).reshape(6, 2)


def metrics_of(model_id):
    found = steno.get_logged_model(model_id).metrics
    return sorted((each.key, each.value, each.step, each.dataset_name) for each in found)


@pytest.fixture
def client(tracking):
    return steno.Client()


# -- by hand --------------------------------------------------------------------------------------------------


def test_a_model_begins_pending_in_the_active_run_and_is_finalized(tracking):
    with steno.start_run() as run:
        made = steno.initialize_logged_model("clf", params={"depth": 3}, tags={"team": "red"}, model_type="tree")
        assert (made.status, made.name, made.source_run_id, made.model_type) == ("PENDING", "clf", run.run_id, "tree")
        assert (made.params, made.tags["team"], made.experiment_id) == ({"depth": "3"}, "red", "0")
        assert made.artifact_location.endswith(f"/0/models/{made.model_id}/artifacts")
        assert made.model_uri == f"models:/{made.model_id}"
    assert steno.last_logged_model() == made
    assert steno.finalize_logged_model(made.model_id, "READY").status == LoggedModelStatus.READY
    assert steno.finalize_logged_model(made.model_id, LoggedModelStatus.FAILED).status == "FAILED"
    with pytest.raises(InvalidValue, match="known: READY, FAILED"):
        steno.finalize_logged_model(made.model_id, "DONE")
    assert steno.get_run(run.run_id).outputs.model_outputs == []


def test_a_model_needs_no_run_and_no_name(tracking):
    experiment = steno.set_experiment("elsewhere")
    made = steno.initialize_logged_model()
    assert (made.source_run_id, made.experiment_id) == (None, experiment.experiment_id)
    assert made.name
    assert steno.active_run() is None


@pytest.mark.parametrize("name", ["a/b", "a:b", "a.b", "50%", 'a"b', "it's", "a\nb", "  "])
def test_a_name_that_cannot_be_is_refused_in_one_sentence(client, name):
    with pytest.raises(InvalidValue, match="logged model"):
        client.create_logged_model("0", name)
    assert client.search_logged_models(["0"]) == []


def test_params_are_written_once_and_tags_again(client):
    model_id = client.create_logged_model("0", "m", params={"a": 1}).model_id
    client.log_model_params(model_id, {"a": "1", **{f"p{number}": number for number in range(150)}})
    with pytest.raises(ParamConflict, match="'a'"):
        client.log_model_params(model_id, {"b": 2, "a": 2})
    client.set_logged_model_tags(model_id, {"x": 1, "y": 2})
    client.set_logged_model_tags(model_id, {"x": 3})
    client.delete_logged_model_tag(model_id, "y")
    with pytest.raises(NotFound, match="'y'"):
        client.delete_logged_model_tag(model_id, "y")
    model = client.get_logged_model(model_id)
    assert (len(model.params), model.params["p149"], "b" in model.params) == (151, "149", False)
    assert model.tags == {"x": "3"}


def test_a_deleted_model_is_gone_until_it_is_restored(client):
    model_id = client.create_logged_model("0", "m").model_id
    client.delete_logged_model(model_id)
    client.delete_logged_model(model_id)
    for call in (
        lambda: client.get_logged_model(model_id),
        lambda: client.finalize_logged_model(model_id, "READY"),
        lambda: client.set_logged_model_tags(model_id, {"a": "b"}),
        lambda: client.log_model_params(model_id, {"a": "b"}),
        lambda: client.list_logged_model_artifacts(model_id),
    ):
        with pytest.raises(NotFound, match="restore"):
            call()
    client.restore_logged_model(model_id)
    assert client.get_logged_model(model_id).name == "m"
    with pytest.raises(NotFound, match="no logged model with id 'm-0'"):
        client.get_logged_model("m-0")


def test_files_of_a_model_are_its_own(client, tmp_path):
    first, second = (client.create_logged_model("0", "same").model_id for _ in range(2))
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.txt").write_text("a")
    client.log_model_artifact(first, tmp_path / "sub" / "a.txt", "deep")
    client.log_model_artifacts(second, tmp_path / "sub")
    assert [each.path for each in client.list_logged_model_artifacts(first, "deep")] == ["deep/a.txt"]
    assert [each.path for each in client.list_logged_model_artifacts(second)] == ["a.txt"]
    assert Path(client.download_logged_model_artifacts(first, "deep/a.txt", tmp_path / "to")).read_text() == "a"
    with pytest.raises(InvalidValue, match="log_model_artifacts"):
        client.log_model_artifact(first, tmp_path / "sub")


def test_an_external_model_is_ready_and_external_until_it_has_files(client, tmp_path):
    made = steno.create_external_model("remote", params={"a": 1})
    assert (made.status, made.tags["mlflow.model.isExternal"]) == ("READY", "true")
    assert [each.path for each in client.list_logged_model_artifacts(made.model_id)] == ["MLmodel"]
    (tmp_path / "weights").write_text("w")
    client.log_model_artifact(made.model_id, tmp_path / "weights")
    assert "mlflow.model.isExternal" not in client.get_logged_model(made.model_id).tags


# -- metrics --------------------------------------------------------------------------------------------------


def test_a_metric_of_a_model_has_its_run_step_and_dataset(tracking):
    data = steno.data.from_numpy(X, name="train")
    with steno.start_run() as run:
        model_id = steno.initialize_logged_model("m").model_id
        for step, value in enumerate((0.5, 0.75)):
            steno.log_metric("acc", value, step=step, model_id=model_id, dataset=data)
        steno.log_metrics({"f1": 0.25, "odd": math.inf}, step=7, model_id=model_id)
    expected = [("acc", 0.5, 0, "train"), ("acc", 0.75, 1, "train"), ("f1", 0.25, 7, None), ("odd", math.inf, 7, None)]
    assert metrics_of(model_id) == expected
    first = steno.get_logged_model(model_id).metrics[0]
    assert (first.run_id, first.model_id, first.dataset_digest) == (run.run_id, model_id, data.digest)
    found = steno.get_run(run.run_id)
    assert found.data.metrics == {"acc": 0.75, "f1": 0.25, "odd": math.inf}
    assert [each.dataset.name for each in found.inputs.dataset_inputs] == ["train"]
    assert found.inputs.model_inputs == [LoggedModelInput(model_id)]


def test_a_client_logs_points_of_models_to_any_run(client):
    run_id = client.create_run("0").info.run_id
    model_id = client.create_logged_model("0", "m").model_id
    client.log_metric(run_id, "acc", 0.5, step=2, dataset_name="d", dataset_digest="g", model_id=model_id)
    client.log_batch(run_id, [Metric("acc", 1, 5, 3, model_id=model_id), Metric("plain", 2.0, 5)])
    steno.log_metric("fluent", 4, run_id=run_id, model_id=model_id)
    assert metrics_of(model_id) == [("acc", 0.5, 2, "d"), ("acc", 1.0, 3, None), ("fluent", 4.0, 0, None)]
    assert client.get_run(run_id).data.metrics == {"acc": 1.0, "plain": 2.0, "fluent": 4.0}
    with pytest.raises(NotFound, match="m-none"):
        client.log_metric(run_id, "acc", 0.5, model_id="m-none")
    assert len(client.get_metric_history(run_id, "acc")) == 2


@pytest.mark.parametrize("bad", [{"a/../b": 1.0}, {"a": "text"}])
def test_a_bad_metric_of_a_model_is_refused_and_nothing_kept(tracking, bad):
    with steno.start_run() as run:
        model_id = steno.initialize_logged_model("m").model_id
        with pytest.raises(InvalidValue):
            steno.log_metrics({"ok": 1.0, **bad}, model_id=model_id)
    assert (metrics_of(model_id), steno.get_run(run.run_id).data.metrics) == ([], {})


def test_the_active_model_has_the_metrics_of_its_thread(tracking, monkeypatch):
    seen = []
    with steno.start_run() as run:
        with steno.set_active_model(name="mine") as mine:
            assert steno.get_active_model_id() == mine.model_id
            assert mine.tags["mlflow.model.isExternal"] == "true"
            steno.log_metric("in", 1.0)
            steno.log_metrics({"also": 2.0})
            steno.log_model_params({"p": 1})
            with steno.set_active_model(model_id=steno.initialize_logged_model("other").model_id) as inner:
                steno.log_metric("inner", 1.0)
            monkeypatch.delenv("STENO_ACTIVE_MODEL_ID")
            thread = threading.Thread(target=lambda: seen.append(steno.get_active_model_id()))
            thread.start()
            thread.join()
        steno.log_metric("out", 1.0)
    assert (seen, steno.get_active_model_id()) == ([None], None)
    assert [key for key, *_ in metrics_of(mine.model_id)] == ["also", "in"]
    assert [key for key, *_ in metrics_of(inner.model_id)] == ["inner"]
    assert steno.get_logged_model(mine.model_id).params == {"p": "1"}
    assert sorted(steno.get_run(run.run_id).data.metrics) == ["also", "in", "inner", "out"]
    assert steno.set_active_model(name="mine").model_id == mine.model_id
    steno.clear_active_model()
    with pytest.raises(InvalidValue, match="either"):
        steno.set_active_model()
    with pytest.raises(InvalidValue, match="set_active_model"):
        steno.log_model_params({"p": 1})


def test_an_active_model_may_come_from_outside(tracking, monkeypatch):
    code = "import steno; print(steno.get_active_model_id())"
    monkeypatch.setenv("MLFLOW_ACTIVE_MODEL_ID", "m-1")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "m-1\n"


def test_what_was_logged_before_a_kill_is_the_models_once(tracking):
    model_id = steno.Client().create_logged_model("0", "m").model_id
    code = f"""
import os, signal, steno
steno.set_tracking_uri({tracking!r})
with steno.start_run():
    for step in range(50):
        steno.log_metric("acc", float(step), step=step, model_id={model_id!r})
    os.kill(os.getpid(), signal.SIGKILL)
"""
    environment = {**os.environ, "STENO_FLUSH_INTERVAL_S": "60"}
    done = subprocess.run([sys.executable, "-c", code], timeout=60, check=False, env=environment)
    assert done.returncode == -9
    for _ in range(2):
        assert [step for _, _, step, _ in metrics_of(model_id)] == list(range(50))
    (run,) = steno.Client().search_runs(["0"])
    assert len(steno.Client().get_metric_history(run.info.run_id, "acc")) == 50


# -- search ---------------------------------------------------------------------------------------------------


def test_models_are_found_by_what_they_are_and_ordered(client):
    run_id = client.create_run("0").info.run_id
    made = [client.create_logged_model("0", name, run_id, params={"d": str(d)}).model_id for d, name in enumerate("ab")]
    for number, (model_id, value) in enumerate(zip(made, (0.9, 0.8), strict=True)):
        client.log_metric(run_id, "acc", value, dataset_name="d", dataset_digest=str(number), model_id=model_id)

    def found(*args, **options):
        return "".join(model.name for model in client.search_logged_models(["0"], *args, **options))

    assert found("metrics.acc > 0.85") == "a"
    assert found("params.d = '1' AND name LIKE 'b%'") == "b"
    assert found(order_by=[{"field_name": "metrics.acc", "ascending": True}]) == "ba"
    assert found(order_by=["name"]) == "ab"
    assert found("metrics.acc > 0.5", [{"dataset_name": "d", "dataset_digest": "1"}]) == "b"
    assert found(max_results=1, order_by=["name"]) == "a"
    for bad in ("status ~ 'x'", "duration > 3", "metrics.acc > 'x'"):
        with pytest.raises(FilterError):
            found(bad)
    for options in ({"max_results": 0}, {"order_by": [{"name": "a"}]}, {"order_by": ["tags.a"]}, {"datasets": ["d"]}):
        with pytest.raises(InvalidValue):
            found(**options)
    table = steno.search_logged_models(filter_string="name = 'a'")
    assert (list(table["model_id"]), list(table["params"])) == ([made[0]], [{"d": "0"}])
    assert [type(each) for each in steno.search_logged_models(output_format="list", max_results=1)] == [LoggedModel]


@given(
    st.sampled_from(["metrics.`a b`", "name", "creation_time", "metrics.acc"]),
    st.booleans(),
    st.none() | st.text(min_size=1),
)
def test_an_order_told_as_a_dict_means_what_it_means_as_text(name, ascending, dataset):
    told = {"field_name": name, "ascending": ascending, "dataset_name": dataset, "dataset_digest": None}
    _, (key,) = parse_logged_models(None, [told])
    _, (plain,) = parse_logged_models(None, [f"{name} {'ASC' if ascending else 'DESC'}"])
    assert key == ModelOrderKey(plain.field, plain.ascending, DatasetRef(dataset) if dataset else None)


def test_datasets_are_told_as_dicts():
    assert parse_datasets([{"dataset_name": "a", "dataset_digest": "b"}, {"dataset_name": "c"}]) == (
        DatasetRef("a", "b"),
        DatasetRef("c"),
    )
    for bad in ({"dataset_name": "a"}, "a", [{"name": "a"}], [{"dataset_name": 3}]):
        with pytest.raises(InvalidValue):
            parse_datasets(bad)
