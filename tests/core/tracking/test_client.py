"""The client: runs by id, also those of other processes and other stores."""

from __future__ import annotations

import math

import pandas as pd
import pytest
import steno
from steno.errors import FilterError, InvalidValue, NotFound, RunStateError
from steno.records import Dataset, DatasetInput, Metric, Param, RunStatus, RunTag, Tags


@pytest.fixture
def client(tracking) -> steno.Client:
    return steno.Client()


def test_a_run_made_by_the_client_stays_open_and_is_nobodys_active_run(client):
    run = client.create_run("0", start_time=5, tags={"a": 1}, run_name="mine")
    assert steno.active_run() is None
    assert (run.info.status, run.info.start_time, run.info.run_name) == (RunStatus.RUNNING, 5, "mine")
    assert run.data.tags == {"a": "1", Tags.RUN_NAME: "mine"}
    assert run.info.user_id == "unknown"
    client.set_terminated(run.info.run_id, "failed", end_time=9)
    ended = client.get_run(run.info.run_id).info
    assert (ended.status, ended.end_time) == (RunStatus.FAILED, 9)
    client.update_run(run.info.run_id, status="FINISHED", name="other")
    updated = client.get_run(run.info.run_id)
    assert (updated.info.status, updated.info.run_name, updated.info.end_time) == (RunStatus.FINISHED, "other", 9)
    assert updated.data.tags[Tags.RUN_NAME] == "other"
    with pytest.raises(InvalidValue, match="unknown run status"):
        client.update_run(run.info.run_id, status="DONE")


def test_a_run_is_finished_now_by_default(client):
    run_id = client.create_run("0").info.run_id
    client.set_terminated(run_id)
    info = client.get_run(run_id).info
    assert info.status == RunStatus.FINISHED
    assert info.end_time >= info.start_time


def test_everything_is_logged_to_a_run_that_is_not_open_here(client):
    run_id = client.create_run("0").info.run_id
    client.log_metric(run_id, "m", 1.0, timestamp=7, step=3)
    assert client.log_param(run_id, "p", 5) == 5
    client.set_tag(run_id, "t", 1)
    client.log_batch(run_id, [Metric("m", math.nan, 8, 4)], [Param("q", "")], [RunTag(Tags.RUN_NAME, "named")])
    client.log_inputs(run_id, [DatasetInput(Dataset("d", "1", "local", "{}"))])
    run = client.get_run(run_id)
    assert run.data.params == {"p": "5", "q": ""}
    assert (run.data.tags["t"], run.info.run_name) == ("1", "named")
    assert run.inputs.dataset_inputs[0].dataset.name == "d"
    first, second = client.get_metric_history(run_id, "m")
    assert (first, math.isnan(second.value)) == (Metric("m", 1.0, 7, 3), True)
    assert client.get_metric_history(run_id, "nothing") == []
    (bucket,) = client.get_metric_buckets(run_id, "m", 1)
    assert (bucket.count, bucket.min, bucket.max) == (2, 1.0, 1.0)


def test_client_and_active_run_write_the_same_run_in_order(client):
    with steno.start_run() as run:
        for step in range(100):
            (steno if step % 2 else client).log_metric(
                **{"key": "m", "value": float(step), "step": step} | ({} if step % 2 else {"run_id": run.run_id})
            )
        client.set_tag(run.run_id, "t", "client")
        steno.set_tag("t", "run")
    assert [m.step for m in client.get_metric_history(run.run_id, "m")] == list(range(100))
    assert client.get_run(run.run_id).data.tags["t"] == "run"


@pytest.mark.parametrize(
    "call",
    [
        lambda c, i: c.get_run(i),
        lambda c, i: c.log_metric(i, "m", 1.0),
        lambda c, i: c.log_param(i, "p", 1),
        lambda c, i: c.set_tag(i, "t", 1),
        lambda c, i: c.delete_tag(i, "t"),
        lambda c, i: c.set_terminated(i),
        lambda c, i: c.delete_run(i),
        lambda c, i: c.restore_run(i),
        lambda c, i: c.get_metric_history(i, "m"),
        lambda c, i: c.list_artifacts(i),
        lambda c, i: c.log_text(i, "x", "a.txt"),
        lambda c, i: c.get_parent_run(i),
    ],
)
def test_an_unknown_run_is_not_found(client, call):
    with pytest.raises(NotFound) as caught:
        call(client, "0" * 32)
    assert isinstance(caught.value, LookupError)
    assert caught.value.get_http_status_code() == 404


def test_a_deleted_run_is_read_but_not_written(client):
    run_id = client.create_run("0").info.run_id
    client.delete_run(run_id)
    for write in (
        lambda: client.log_metric(run_id, "m", 1.0),
        lambda: client.log_param(run_id, "p", 1),
        lambda: client.set_tag(run_id, "t", 1),
        lambda: client.set_terminated(run_id),
    ):
        with pytest.raises(RunStateError, match="deleted"):
            write()
    assert client.get_run(run_id).info.lifecycle_stage == "deleted"
    client.restore_run(run_id)
    client.log_metric(run_id, "m", 1.0)


def test_a_client_of_another_store_knows_its_runs_only(client, tmp_path):
    other = steno.Client(f"sqlite:///{tmp_path}/other.db")
    run_id = other.create_run("0").info.run_id
    other.log_text(run_id, "hello", "a.txt")
    with pytest.raises(NotFound):
        client.get_run(run_id)
    assert other.load_text(run_id, "a.txt") == "hello"
    assert other.tracking_uri != client.tracking_uri


def _five_runs() -> list[str]:
    ids = []
    for number in range(5):
        with steno.start_run(run_name=f"r{number}", tags={"even": number % 2 == 0}) as run:
            steno.log_param("n", number)
            steno.log_metric("loss", 1.0 / (number + 1))
            if number == 3:
                steno.log_metric("rare", math.nan)
        ids.append(run.run_id)
    return ids


def test_search_sees_what_was_logged_just_now_page_by_page(client):
    ids = _five_runs()
    page = client.search_runs(["0"], "metrics.loss < 0.9 AND tags.even = 'True'", order_by=["metrics.loss ASC"])
    assert [run.info.run_id for run in page] == [ids[4], ids[2]]
    found, token = [], None
    while True:
        page = client.search_runs(["0"], max_results=2, order_by=["params.n DESC"], page_token=token)
        found += [run.data.params["n"] for run in page]
        token = page.token
        if token is None:
            break
    assert found == ["4", "3", "2", "1", "0"]
    with pytest.raises(InvalidValue, match="list"):
        client.search_runs("0")
    with pytest.raises(FilterError) as caught:
        client.search_runs(["0"], "metrics.loss <> 'x")
    assert caught.value.position >= 0


def test_search_as_a_table_has_mlflows_columns(client):
    ids = _five_runs()
    table = steno.search_runs(order_by=["params.n ASC"])
    assert isinstance(table, pd.DataFrame)
    assert list(table["run_id"]) == ids
    assert list(table.columns[:6]) == ["run_id", "experiment_id", "status", "artifact_uri", "start_time", "end_time"]
    assert table["start_time"].dt.tz is not None
    assert list(table["params.n"]) == ["0", "1", "2", "3", "4"]
    assert table["metrics.loss"].tolist() == [1.0, 0.5, 1 / 3, 0.25, 0.2]
    assert table["metrics.rare"].isna().all()
    assert set(table[f"tags.{Tags.RUN_NAME}"]) == {f"r{n}" for n in range(5)}
    assert set(table["status"]) == {"FINISHED"}
    assert steno.search_runs(filter_string="params.n = 'none'").empty


def test_search_takes_experiments_by_id_by_name_or_all(client, caplog):
    _five_runs()
    other = steno.set_experiment("other").experiment_id
    with steno.start_run() as run:
        pass

    def ids(**options) -> list[str]:
        return [r.info.run_id for r in steno.search_runs(output_format="list", **options)]

    assert ids() == [run.run_id]
    assert ids(experiment_ids=[other]) == ids(experiment_names=["other"]) == [run.run_id]
    assert len(ids(experiment_ids=["0"])) == 5
    assert len(ids(search_all_experiments=True)) == 6
    assert len(ids(experiment_names=["other", "Default"])) == 6
    assert ids(experiment_names=["nobody"]) == []
    assert "'nobody'" in caplog.text
    assert len(ids(experiment_ids=["0"], max_results=2)) == 2
    steno.delete_run(run.run_id)
    assert ids() == []
    assert ids(run_view_type="DELETED_ONLY") == ids(run_view_type=2) == [run.run_id]
    for wrong in ({"experiment_ids": ["0"], "experiment_names": ["other"]}, {"output_format": "json"}):
        with pytest.raises(InvalidValue):
            steno.search_runs(**wrong)
