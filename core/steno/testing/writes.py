"""The contract of a run store, part two: `write`, whole or not at all, once however often it is sent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from steno.contracts.stores import RunStore
from steno.errors import NotFound, ParamConflict, RunStateError, StaleToken
from steno.records import (
    Batch,
    Dataset,
    DatasetInput,
    InputTag,
    LifecycleStage,
    ModelOutput,
    RunChange,
    RunStart,
    RunStatus,
    Tags,
    Token,
)
from steno.testing.experiments import StoreTests, started


def _with_point(value: float, step: int = 0) -> Batch:
    batch = Batch()
    batch.add_metric("loss", value, 1000 + step, step)
    return batch


def _input(name: str, context: str) -> DatasetInput:
    return DatasetInput(Dataset(name, "d1", "local", "{}"), (InputTag(Tags.DATASET_CONTEXT, context),))


class WriteTests(StoreTests):
    def test_a_started_run_is_running_and_named(self, store: RunStore) -> None:
        start = RunStart("0", "calm-otter", 1234, user_id="ada", tags={"k": "v"})
        store.write("r1", Batch(start=start))
        run = store.get_run("r1")
        assert run.info.status == RunStatus.RUNNING
        assert (run.info.run_name, run.info.start_time, run.info.end_time) == ("calm-otter", 1234, None)
        assert (run.info.experiment_id, run.info.user_id) == ("0", "ada")
        assert run.data.tags == {"k": "v", Tags.RUN_NAME: "calm-otter"}
        assert run.info.artifact_uri.endswith("/r1/artifacts")
        assert run.info.artifact_uri.startswith(store.get_experiment("0").artifact_location)

    def test_all_kinds_of_facts_are_read_back(self, store: RunStore) -> None:
        batch = started()
        batch.params, batch.tags = {"lr": "0.1", "größe": ""}, {"a/b c": "ü\n"}
        batch.add_metric("loss", 0.5, 1000, 3)
        batch.inputs, batch.outputs = [_input("train.csv", "training")], [ModelOutput("m-1", 7)]
        batch.change = RunChange(RunStatus.FINISHED, 2000)
        store.write("r1", batch)
        run = store.get_run("r1")
        assert run.data.params == {"lr": "0.1", "größe": ""}
        assert run.data.tags["a/b c"] == "ü\n"
        assert run.data.metrics == {"loss": 0.5}
        assert run.inputs.dataset_inputs == batch.inputs
        assert run.outputs.model_outputs == batch.outputs
        assert (run.info.status, run.info.end_time) == (RunStatus.FINISHED, 2000)

    def test_a_run_must_be_started_in_an_experiment_that_exists(self, store: RunStore) -> None:
        with pytest.raises(NotFound):
            store.write("nobody", _with_point(1.0))
        with pytest.raises(NotFound):
            store.write("r1", started("77"))
        with pytest.raises(NotFound):
            store.get_run("r1")

    def test_starting_a_run_again_changes_nothing(self, store: RunStore) -> None:
        store.write("r1", started(name="first"))
        store.write("r1", Batch(start=RunStart("0", "second", 5, tags={"late": "x"})))
        run = store.get_run("r1")
        assert (run.info.run_name, run.info.start_time) == ("first", 1000)
        assert "late" not in run.data.tags

    def test_a_param_cannot_change(self, store: RunStore) -> None:
        store.write("r1", started())
        store.write("r1", Batch(params={"lr": "1"}))
        store.write("r1", Batch(params={"lr": "1", "new": "2"}))
        with pytest.raises(ParamConflict) as caught:
            store.write("r1", Batch(params={"lr": "2"}))
        assert (caught.value.key, caught.value.old, caught.value.new) == ("lr", "1", "2")
        assert store.get_run("r1").data.params == {"lr": "1", "new": "2"}

    def test_a_batch_that_fails_leaves_nothing_behind(self, store: RunStore) -> None:
        store.write("r1", started())
        store.write("r1", Batch(params={"lr": "1"}))
        bad = _with_point(9.0)
        bad.params, bad.tags = {"ok": "1", "lr": "2"}, {"t": "1"}
        bad.children = [("child", started())]
        with pytest.raises(ParamConflict):
            store.write("r1", bad, Token("w", 0, 10))
        run = store.get_run("r1")
        assert (run.data.params, run.data.metrics, "t" in run.data.tags) == ({"lr": "1"}, {}, False)
        assert store.offset("w") == 0
        with pytest.raises(NotFound):
            store.get_run("child")

    def test_a_batch_that_fails_in_a_child_leaves_nothing_behind(self, store: RunStore) -> None:
        store.write("r1", started())
        bad = _with_point(1.0)
        bad.children = [("one", started()), ("two", started("77"))]
        with pytest.raises(NotFound):
            store.write("r1", bad)
        assert store.get_run("r1").data.metrics == {}
        with pytest.raises(NotFound):
            store.get_run("one")

    def test_a_repeated_token_changes_nothing(self, store: RunStore) -> None:
        store.write("r1", started(), Token("w", 0, 10))
        for _ in range(3):
            store.write("r1", _with_point(1.0), Token("w", 10, 20))
        store.write("r1", _with_point(5.0), Token("w", 0, 15))
        assert len(store.metric_history("r1", "loss")) == 1
        assert store.offset("w") == 20

    def test_tokens_go_on_from_where_they_ended_and_may_leave_gaps(self, store: RunStore) -> None:
        store.write("r1", started(), Token("w", 0, 10))
        store.write("r1", _with_point(1.0), Token("w", 10, 20))
        store.write("r1", _with_point(2.0, 1), Token("w", 32, 40))
        assert list(store.metric_history("r1", "loss").values) == [1.0, 2.0]
        assert store.offset("w") == 40

    def test_a_token_that_overlaps_is_stale_and_says_where_to_go_on(self, store: RunStore) -> None:
        store.write("r1", started(), Token("w", 0, 10))
        with pytest.raises(StaleToken) as caught:
            store.write("r1", _with_point(1.0), Token("w", 5, 15))
        assert (caught.value.writer_id, caught.value.offset) == ("w", 10)
        assert len(store.metric_history("r1", "loss")) == 0

    def test_closing_forgets_neither_data_nor_tokens(self, store: RunStore) -> None:
        store.write("r1", started(), Token("w", 0, 10))
        store.write("r1", _with_point(1.0), Token("w", 10, 20))
        store.close()
        assert store.offset("w") == 20
        store.write("r1", _with_point(1.0), Token("w", 10, 20))
        assert list(store.metric_history("r1", "loss").values) == [1.0]

    def test_writers_do_not_know_each_other(self, store: RunStore) -> None:
        store.write("r1", started(), Token("a", 0, 10))
        store.write("r1", _with_point(1.0), Token("b", 0, 10))
        assert (store.offset("a"), store.offset("b"), store.offset("c")) == (10, 10, 0)
        assert len(store.metric_history("r1", "loss")) == 1

    def test_a_write_without_a_token_counts_each_time(self, store: RunStore) -> None:
        store.write("r1", started())
        for _ in range(2):
            store.write("r1", _with_point(1.0))
        assert len(store.metric_history("r1", "loss")) == 2

    def test_tags_are_set_replaced_and_deleted(self, store: RunStore) -> None:
        store.write("r1", started())
        store.write("r1", Batch(tags={"a": "1", "b": "1"}))
        store.write("r1", Batch(tags={"b": "2"}, deleted_tags={"a", "never there"}))
        assert store.get_run("r1").data.tags == {"b": "2", Tags.RUN_NAME: "run"}

    def test_the_name_of_a_run_and_its_tag_stay_in_step(self, store: RunStore) -> None:
        store.write("r1", started())
        store.write("r1", Batch(change=RunChange(run_name="by change")))
        assert store.get_run("r1").data.tags[Tags.RUN_NAME] == "by change"
        store.write("r1", Batch(tags={Tags.RUN_NAME: "by tag"}))
        assert store.get_run("r1").info.run_name == "by tag"

    def test_a_change_touches_only_what_it_names(self, store: RunStore) -> None:
        store.write("r1", started())
        store.write("r1", Batch(change=RunChange(status=RunStatus.FAILED, end_time=9)))
        store.write("r1", Batch(change=RunChange(status=RunStatus.RUNNING)))
        info = store.get_run("r1").info
        assert (info.status, info.end_time, info.run_name) == (RunStatus.RUNNING, 9, "run")

    def test_the_first_context_of_a_dataset_is_kept(self, store: RunStore) -> None:
        store.write("r1", Batch(start=started().start, inputs=[_input("a", "training"), _input("b", "eval")]))
        store.write("r1", Batch(inputs=[_input("a", "testing"), _input("c", "eval")]))
        store.write("r2", Batch(start=started().start, inputs=[_input("a", "testing")]))
        inputs = store.get_run("r1").inputs.dataset_inputs
        assert inputs == [_input("a", "training"), _input("b", "eval"), _input("c", "eval")]
        assert store.get_run("r2").inputs.dataset_inputs == [_input("a", "testing")]

    def test_a_deleted_run_is_read_but_not_written(self, store: RunStore) -> None:
        store.write("r1", started())
        store.delete_run("r1")
        store.delete_run("r1")
        with pytest.raises(RunStateError):
            store.write("r1", _with_point(1.0))
        assert store.get_run("r1").info.lifecycle_stage == LifecycleStage.DELETED
        store.restore_run("r1")
        store.restore_run("r1")
        store.write("r1", _with_point(1.0))
        assert store.get_run("r1").data.metrics == {"loss": 1.0}

    def test_deleting_and_restoring_the_unknown_is_not_found(self, store: RunStore) -> None:
        with pytest.raises(NotFound):
            store.delete_run("nobody")
        with pytest.raises(NotFound):
            store.restore_run("nobody")

    def test_children_are_whole_runs(self, store: RunStore) -> None:
        batch = started()
        for number in range(30):
            child = Batch(start=RunStart("0", f"c{number}", number, tags={Tags.PARENT_RUN_ID: "r1"}))
            child.params, child.change = {"n": str(number)}, RunChange(RunStatus.FINISHED, 50)
            child.add_metric("score", number / 2, 10)
            child.children = [(f"grand-{number}", started())] if number == 7 else []
            batch.children.append((f"child-{number}", child))
        store.write("r1", batch, Token("w", 0, 5))
        store.write("r1", batch, Token("w", 0, 5))
        run = store.get_run("child-29")
        assert (run.data.params, run.data.metrics) == ({"n": "29"}, {"score": 14.5})
        assert run.data.tags == {Tags.PARENT_RUN_ID: "r1", Tags.RUN_NAME: "c29"}
        assert (run.info.status, run.info.end_time) == (RunStatus.FINISHED, 50)
        assert store.get_run("grand-7").info.run_name == "run"

    def test_a_child_may_come_in_several_parts(self, store: RunStore) -> None:
        batch = started()
        batch.children = [("c", started()), ("c", _with_point(1.0)), ("c", Batch(params={"a": "1"}))]
        store.write("r1", batch)
        store.write("r1", Batch(children=[("c", _with_point(2.0, 1))]))
        child = store.get_run("c")
        assert (child.data.metrics, child.data.params) == ({"loss": 2.0}, {"a": "1"})

    def test_threads_may_write_at_once(self, store: RunStore) -> None:
        store.write("r1", started())

        def work(worker: int) -> None:
            for step in range(20):
                store.write("r1", _with_point(worker, step), Token(f"w{worker}", step, step + 1))
                store.get_run("r1")

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
        history = store.metric_history("r1", "loss")
        points = sorted(zip(history.values, history.steps, strict=True))
        assert points == [(float(worker), step) for worker in range(8) for step in range(20)]
