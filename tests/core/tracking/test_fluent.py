"""The functions on the active run, with the meanings MLflow's users know."""

from __future__ import annotations

import asyncio
import os
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import steno
import steno.records
import steno.tracking
from steno.errors import InvalidValue, NotFound, RunStateError, UnknownScheme
from steno.records import Dataset, RunStatus, Tags

DATASET = Dataset("train.csv", "abc123", "local", "{}")


def test_a_run_begins_ends_and_is_read_back(tracking):
    with steno.start_run(run_name="first", tags={"team": "eyes", "n": 3}, description="why") as run:
        assert steno.active_run() is run
        assert run.info.status == RunStatus.RUNNING
        assert steno.get_run(run.info.run_id).info.status == RunStatus.RUNNING
    assert steno.active_run() is None
    found = steno.get_run(run.info.run_id)
    assert (found.info.run_name, found.info.status) == ("first", RunStatus.FINISHED)
    assert found.info.end_time >= found.info.start_time
    assert (found.info.experiment_id, found.info.lifecycle_stage) == ("0", "active")
    assert found.info.run_uuid == found.info.run_id
    assert (found.data.tags["team"], found.data.tags["n"], found.data.tags[Tags.NOTE]) == ("eyes", "3", "why")
    assert found.data.tags[Tags.RUN_NAME] == "first"
    assert found.info.artifact_uri.endswith(f"{found.info.run_id}/artifacts")


def test_a_run_without_a_name_gets_one_of_words(tracking):
    names = set()
    for _ in range(20):
        with steno.start_run() as run:
            names.add(run.info.run_name)
    assert len(names) == 20
    assert all(len(name) <= 20 and name.count("-") == 2 for name in names)
    assert steno.get_run(run.info.run_id).data.tags[Tags.RUN_NAME] == run.info.run_name


def test_a_name_may_come_as_a_tag_but_not_as_two(tracking):
    with steno.start_run(tags={Tags.RUN_NAME: "by tag"}) as run:
        pass
    assert steno.get_run(run.info.run_id).info.run_name == "by tag"
    with pytest.raises(InvalidValue, match="differ"):
        steno.start_run(run_name="a", tags={Tags.RUN_NAME: "b"})
    assert steno.active_run() is None


def test_setting_the_name_tag_renames_the_run(tracking):
    with steno.start_run(run_name="old") as run:
        steno.set_tag(Tags.RUN_NAME, "new")
    assert steno.get_run(run.info.run_id).info.run_name == "new"


def test_logging_without_a_run_begins_one(tracking):
    steno.log_metric("m", 1.0)
    run = steno.active_run()
    steno.log_params({"a": 1})
    assert steno.active_run() is run
    steno.end_run()
    assert steno.active_run() is None
    data = steno.get_run(run.run_id).data
    assert (data.metrics, data.params) == ({"m": 1.0}, {"a": "1"})


def test_a_second_run_needs_to_be_nested(tracking):
    with steno.start_run() as outer:
        with pytest.raises(RunStateError, match="nested=True") as caught:
            steno.start_run()
        assert outer.run_id in str(caught.value)
        assert steno.active_run() is outer
        with steno.start_run(nested=True) as inner:
            assert steno.active_run() is inner
            steno.log_metric("m", 2.0)
        assert steno.active_run() is outer
    child = steno.get_run(inner.run_id)
    assert child.data.tags[Tags.PARENT_RUN_ID] == outer.run_id
    assert child.data.metrics == {"m": 2.0}
    assert steno.get_parent_run(inner.run_id).info.run_id == outer.run_id
    assert steno.get_parent_run(outer.run_id) is None
    assert steno.get_run(outer.run_id).data.metrics == {}


def test_a_nested_run_goes_to_the_experiment_of_its_parent(tracking):
    other = steno.create_experiment("other")
    with steno.start_run(experiment_id=other), steno.start_run(nested=True) as inner:
        pass
    assert steno.get_run(inner.run_id).info.experiment_id == other


def test_a_parent_may_be_named(tracking):
    parent = steno.Client().create_run("0")
    with steno.start_run(parent_run_id=parent.info.run_id) as child:
        with pytest.raises(InvalidValue, match="parent"):
            steno.start_run(nested=True, parent_run_id=parent.info.run_id)
        with steno.start_run(nested=True, parent_run_id=child.run_id):
            pass
    assert steno.get_parent_run(child.run_id).info.run_id == parent.info.run_id


def test_end_run_takes_a_status_and_without_a_run_does_nothing(tracking):
    steno.end_run()
    for status in ("FAILED", "KILLED", "FINISHED"):
        run = steno.start_run()
        steno.end_run(status)
        assert steno.get_run(run.run_id).info.status == status


def test_an_unknown_status_is_refused_and_the_run_goes_on(tracking):
    run = steno.start_run()
    with pytest.raises(InvalidValue, match="status"):
        steno.end_run("DONE")
    assert steno.active_run() is run


def test_an_exception_passes_through_unchanged_and_fails_the_run(tracking):
    error = ValueError("mine")
    with pytest.raises(ValueError, match="mine") as caught, steno.start_run() as run:
        raise error
    assert caught.value is error
    assert error.__context__ is None
    found = steno.get_run(run.run_id)
    assert (found.info.status, found.data.tags[Tags.END_REASON]) == (RunStatus.FAILED, "ValueError")
    assert "ValueError: mine" in found.data.tags[Tags.ERROR]


def test_a_run_is_resumed_by_its_id(tracking):
    with steno.start_run(run_name="old", tags={"a": "1"}) as run:
        steno.log_metric("m", 1.0, 1)
    ended = steno.get_run(run.run_id).info
    with steno.start_run(run_id=run.run_id, run_name="new", tags={"b": "2"}, description="more") as again:
        assert (again.run_id, steno.active_run()) == (run.run_id, again)
        now = steno.get_run(run.run_id)
        assert (now.info.status, now.info.end_time) == (RunStatus.RUNNING, ended.end_time)
        steno.log_metric("m", 2.0, 2)
    found = steno.get_run(run.run_id)
    assert (found.info.run_name, found.info.status) == ("new", RunStatus.FINISHED)
    assert (found.data.tags["a"], found.data.tags["b"], found.data.tags[Tags.NOTE]) == ("1", "2", "more")
    assert [m.step for m in steno.Client().get_metric_history(run.run_id, "m")] == [1, 2]


def test_a_run_that_is_unknown_or_deleted_is_not_resumed(tracking):
    with pytest.raises(NotFound):
        steno.start_run(run_id="0" * 32)
    with steno.start_run() as run:
        pass
    steno.delete_run(run.run_id)
    with pytest.raises(RunStateError, match="deleted"):
        steno.start_run(run_id=run.run_id)
    steno.restore_run(run.run_id)
    with steno.start_run(run_id=run.run_id):
        pass
    with pytest.raises(InvalidValue, match="experiment"):
        steno.start_run(run_id=run.run_id, experiment_id=steno.create_experiment("other"))
    assert steno.active_run() is None


@pytest.mark.parametrize("variable", ["STENO_RUN_ID", "MLFLOW_RUN_ID"])
def test_a_run_id_from_outside_is_resumed_once(tracking, monkeypatch, variable):
    with steno.start_run() as first:
        pass
    monkeypatch.setenv(variable, first.run_id)
    with steno.start_run() as resumed:
        assert variable not in os.environ
        with steno.start_run(nested=True) as nested:
            pass
    with steno.start_run() as fresh:
        pass
    assert resumed.run_id == first.run_id
    assert len({first.run_id, nested.run_id, fresh.run_id}) == 3


def test_the_experiment_comes_from_the_call_then_the_choice_then_outside(tracking, monkeypatch):
    def where(**options) -> str:
        with steno.start_run(**options) as run:
            pass
        return steno.get_run(run.run_id).info.experiment_id

    assert where() == "0"
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "from outside")
    outside = where()
    assert steno.get_experiment(outside).name == "from outside"
    chosen = steno.set_experiment("chosen").experiment_id
    assert os.environ["STENO_EXPERIMENT_ID"] == chosen
    assert where() == chosen
    assert where(experiment_id=0) == "0"
    assert where(experiment_id=outside) == outside


def test_the_chosen_experiment_belongs_to_its_store(tracking, tmp_path):
    steno.set_experiment("only here")
    steno.set_tracking_uri(tmp_path / "elsewhere")
    with steno.start_run() as run:
        pass
    assert steno.get_experiment(steno.get_run(run.run_id).info.experiment_id).name != "only here"


def test_last_active_run_is_the_active_one_or_the_last_that_ended(tracking):
    assert steno.last_active_run() is None
    with steno.start_run() as run:
        assert steno.last_active_run().info.run_id == run.run_id
        with steno.start_run(nested=True) as inner:
            assert steno.last_active_run().info.run_id == inner.run_id
        assert steno.last_active_run().info.run_id == run.run_id
    assert steno.last_active_run().info.run_id == run.run_id
    assert steno.last_active_run().info.status == RunStatus.FINISHED
    steno.log_metric("m", 1.0, run_id=run.run_id)
    assert steno.last_active_run().data.metrics == {"m": 1.0}


def test_values_go_to_another_run_by_its_id(tracking):
    other = steno.Client().create_run("0").info.run_id
    with steno.start_run() as run, steno.start_run(nested=True):
        steno.log_metric("m", 1.0, run_id=run.run_id)
        steno.log_metric("m", 2.0, step=4, run_id=other)
        steno.log_metrics({"n": 3.0}, step=5, run_id=other)
        steno.log_params({"p": 1}, run_id=other)
        steno.log_batch(tags=[steno.records.RunTag("t", "1")], run_id=other)
        steno.log_text("hello", "a.txt", run_id=other)
    assert steno.get_run(run.run_id).data.metrics == {"m": 1.0}
    data = steno.get_run(other).data
    assert (data.metrics, data.params, data.tags["t"]) == ({"m": 2.0, "n": 3.0}, {"p": "1"}, "1")
    assert steno.Client().load_text(other, "a.txt") == "hello"


def test_datasets_are_kept_with_their_context(tracking):
    with steno.start_run() as run:
        steno.log_input(DATASET, context="training", tags={"k": "v"})
        steno.log_input(DATASET, context="testing")
        steno.log_inputs([Dataset("b", "1", "local", "{}"), Dataset("c", "1", "local", "{}")], ["eval", None])
        steno.log_input()
        with pytest.raises(InvalidValue, match="needs a dataset"):
            steno.log_input(context="training")
        with pytest.raises(InvalidValue, match="same length"):
            steno.log_inputs([DATASET], ["a", "b"])
    first, second, third = steno.get_run(run.run_id).inputs.dataset_inputs
    assert first.dataset == DATASET
    assert {tag.key: tag.value for tag in first.tags} == {"k": "v", Tags.DATASET_CONTEXT: "training"}
    assert (second.tags[0].value, third.tags) == ("eval", ())


def test_each_thread_has_its_own_active_run(tracking):
    barrier = threading.Barrier(4, timeout=20)

    def train(number: int) -> str:
        assert steno.active_run() is None
        with steno.start_run(run_name=f"thread {number}") as run:
            barrier.wait()
            for step in range(50):
                steno.log_metric("m", float(number), step)
            assert steno.last_active_run().info.run_id == run.run_id
            barrier.wait()
        return run.run_id

    with steno.start_run() as outer, ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(train, range(4)))
        assert steno.active_run() is outer
    for number, run_id in enumerate(ids):
        run = steno.get_run(run_id)
        assert (run.info.status, run.data.metrics) == (RunStatus.FINISHED, {"m": float(number)})
        assert run.data.summaries["m"].count == 50
        assert Tags.PARENT_RUN_ID not in run.data.tags
    assert steno.get_run(outer.run_id).data.metrics == {}


def test_each_asyncio_task_has_its_own_active_run(tracking):
    async def train(number: int) -> str:
        with steno.start_run(run_name=f"task {number}") as run:
            for step in range(5):
                steno.log_metric("m", float(number), step)
                await asyncio.sleep(0)
        return run.run_id

    async def main() -> list[str]:
        return await asyncio.gather(*(train(number) for number in range(5)))

    for number, run_id in enumerate(asyncio.run(main())):
        assert steno.get_run(run_id).data.metrics == {"m": float(number)}
    assert steno.active_run() is None


def test_a_handle_may_be_used_from_other_threads_and_after_the_run_ended(tracking, caplog):
    with steno.start_run() as run, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda step: run.log_metric("m", 1.0, step), range(400)))
    assert steno.get_run(run.run_id).data.summaries["m"].count == 400
    run.log_metric("late", 5.0)
    assert steno.get_run(run.run_id).data.metrics["late"] == 5.0
    assert steno.get_run(run.run_id).info.status == RunStatus.FINISHED


def test_a_pickled_run_is_a_handle_that_does_not_end_it(tracking):
    with steno.start_run() as run:
        copy = pickle.loads(pickle.dumps(run))
        copy.log_metric("m", 1.0)
        copy.end("FAILED")
        assert copy.flush()
        found = steno.get_run(run.run_id)
        assert (found.info.status, found.data.metrics) == (RunStatus.RUNNING, {"m": 1.0})


def test_a_run_may_be_ended_twice_and_out_of_order(tracking):
    outer = steno.start_run()
    inner = steno.start_run(nested=True)
    outer.end()
    assert steno.active_run() is inner
    inner.end("FAILED")
    inner.end("FINISHED")
    steno.end_run()
    assert steno.active_run() is None
    assert steno.get_run(inner.run_id).info.status == RunStatus.FAILED
    assert steno.get_run(outer.run_id).info.status == RunStatus.FINISHED


def test_children_are_recorded_whole(tracking):
    with steno.start_run() as run:
        child = steno.records.Batch(start=steno.records.RunStart("", "fold", 5))
        child.params = {"c": "1"}
        child.add_metric("score", 0.5, 6)
        child.change = steno.records.RunChange("FINISHED", 7)
        child_id = run.add_child(child)
    found = steno.get_run(child_id)
    assert (found.info.run_name, found.info.status, found.info.end_time) == ("fold", RunStatus.FINISHED, 7)
    assert (found.data.params, found.data.metrics) == ({"c": "1"}, {"score": 0.5})
    assert steno.get_parent_run(child_id).info.run_id == run.run_id


@pytest.mark.parametrize("uri", ["mysql://host/db", "ftp://host/x", "nosuch:///x"])
def test_an_unknown_scheme_says_what_there_is_and_what_to_do(tracking, uri):
    with pytest.raises(UnknownScheme, match=r"known schemes: .*sqlite.*nstall a plugin"):
        steno.set_tracking_uri(uri)
    assert steno.get_tracking_uri() == tracking


def test_a_tracking_uri_is_made_absolute_and_shared(tracking, tmp_path, monkeypatch):
    steno.set_tracking_uri("sqlite:///some/runs.db")
    assert steno.get_tracking_uri() == f"sqlite:///{tmp_path}/some/runs.db"
    assert os.environ["STENO_TRACKING_URI"] == steno.get_tracking_uri()
    steno.set_tracking_uri("a folder")
    assert steno.get_tracking_uri() == f"sqlite:///{tmp_path}/a folder/steno.db"
    steno.set_tracking_uri((tmp_path / "with space").as_uri())
    assert steno.get_tracking_uri() == f"sqlite:///{tmp_path}/with space/steno.db"
    assert steno.is_tracking_uri_set()
    steno.set_tracking_uri("")
    assert not steno.is_tracking_uri_set()
    assert steno.get_tracking_uri() == f"sqlite:///{tmp_path}/stenoruns/steno.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////x/y.db")
    assert steno.is_tracking_uri_set()
    assert steno.get_tracking_uri() == "sqlite:////x/y.db"
    with pytest.raises(InvalidValue):
        steno.set_tracking_uri(3)


def test_every_name_of_the_front_door_is_there():
    for name in steno.__all__:
        assert getattr(steno, name) is not None
    assert steno.tracking.MlflowClient is steno.Client is steno.MlflowClient
    with pytest.raises(AttributeError):
        _ = steno.no_such_thing


def test_an_open_run_tells_where_its_artifacts_will_lie(tracking):
    with steno.start_run() as run:
        steno.log_text("here", "note.txt")
        where = run.info.artifact_uri
    assert where == steno.get_run(run.run_id).info.artifact_uri
    assert (Path(where) / "note.txt").read_text() == "here"


def test_a_run_of_another_experiment_than_the_chosen_one_is_not_resumed(tracking):
    with steno.start_run() as run:
        pass
    steno.set_experiment("another")
    with pytest.raises(InvalidValue, match="belongs to experiment 0"):
        steno.start_run(run_id=run.run_id)
    steno.set_experiment(experiment_id="0")
    with steno.start_run(run_id=run.run_id) as resumed:
        assert resumed.run_id == run.run_id


def test_the_dataset_of_a_metric_is_an_input_of_the_run(tracking):
    with steno.start_run() as run:
        steno.log_metric("m", 1.0, dataset=steno.data.from_numpy([[1.0]], name="held out"))
        steno.log_metrics({"n": 1.0}, dataset=steno.data.from_numpy([[2.0]], name="another"))
    used = steno.get_run(run.run_id).inputs.dataset_inputs
    assert {one.dataset.name for one in used} == {"held out", "another"}
