"""The contract of a run store, part five: logged models, by themselves and by a run's batch."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from steno.contracts.stores import RunStore
from steno.errors import AlreadyExists, NotFound, ParamConflict, RunStateError
from steno.model_records import LoggedModel, LoggedModelStatus
from steno.queries import LoggedModelQuery, ViewType
from steno.records import Batch, LifecycleStage, Metric, ModelInput, ModelOutput, ModelStart, Token
from steno.testing.experiments import FOREVER_MS, StoreTests, started


def ids(store: RunStore, view: ViewType = ViewType.ACTIVE_ONLY) -> list[str]:
    """Return the ids of all models that a view shows."""
    return sorted(model.model_id for model in store.search_logged_models(LoggedModelQuery(None, view=view)))


def point(value: float, step: int = 0, model_id: str = "m-1", dataset: tuple[str, str] | None = None) -> Metric:
    """A point of a model's accuracy, as it is read back for the run "r1"."""
    name, digest = dataset or (None, None)
    return Metric("accuracy", value, 1000 + step, step, name, digest, model_id, "r1")


class LoggedModelTests(StoreTests):
    def test_a_model_is_read_as_it_was_created(self, store: RunStore) -> None:
        made = store.create_logged_model(
            "0", "m-1", "größe", source_run_id="r1", model_type="tree", params={"a": "1", "b": ""}, tags={"k": "ü\n"}
        )
        assert store.get_logged_model("m-1") == made
        assert (made.experiment_id, made.model_id, made.name, made.source_run_id) == ("0", "m-1", "größe", "r1")
        assert (made.model_type, made.params, made.tags) == ("tree", {"a": "1", "b": ""}, {"k": "ü\n"})
        assert (made.status, made.status_message, made.metrics) == (LoggedModelStatus.PENDING, None, [])
        assert made.lifecycle_stage == LifecycleStage.ACTIVE
        assert made.creation_timestamp > 0
        assert made.creation_timestamp == made.last_updated_timestamp
        plain = store.create_logged_model("0", "m-2", "größe")
        assert (plain.source_run_id, plain.model_type, plain.params, plain.tags) == (None, None, {}, {})

    def test_each_model_has_a_place_of_its_own_below_its_experiment(self, store: RunStore) -> None:
        root = store.create_experiment("a", artifact_location="s3://bucket/a").experiment_id
        first, second = (store.create_logged_model(root, model_id, "model") for model_id in ("m-1", "m-2"))
        assert first.artifact_location == "s3://bucket/a/models/m-1/artifacts"
        assert second.artifact_location == "s3://bucket/a/models/m-2/artifacts"

    def test_an_id_is_taken_once_and_an_experiment_must_be_there(self, store: RunStore) -> None:
        store.create_logged_model("0", "m-1", "first")
        with pytest.raises(AlreadyExists):
            store.create_logged_model("0", "m-1", "second")
        with pytest.raises(NotFound):
            store.create_logged_model("77", "m-2", "model")
        store.delete_experiment("0")
        with pytest.raises(RunStateError):
            store.create_logged_model("0", "m-2", "model")
        assert store.get_logged_model("m-1").name == "first"

    def test_a_model_is_finalized_tagged_and_given_params(self, store: RunStore) -> None:
        store.create_logged_model("0", "m-1", "model", tags={"a": "1"}, params={"p": "1"})
        ended = store.finalize_logged_model("m-1", LoggedModelStatus.FAILED, "no room")
        assert (ended.status, ended.status_message) == ("FAILED", "no room")
        ready = store.finalize_logged_model("m-1", LoggedModelStatus.READY)
        assert (ready.status, ready.status_message) == ("READY", None)
        store.set_logged_model_tags("m-1", {"a": "2", "b": "3"})
        store.delete_logged_model_tag("m-1", "b")
        store.log_logged_model_params("m-1", {"p": "1", "q": "2"})
        model = store.get_logged_model("m-1")
        assert (model.tags, model.params) == ({"a": "2"}, {"p": "1", "q": "2"})
        assert model.last_updated_timestamp >= ended.creation_timestamp
        with pytest.raises(NotFound):
            store.delete_logged_model_tag("m-1", "b")

    def test_params_that_conflict_change_nothing(self, store: RunStore) -> None:
        store.create_logged_model("0", "m-1", "model", params={"p": "1"})
        with pytest.raises(ParamConflict) as caught:
            store.log_logged_model_params("m-1", {"new": "1", "p": "2"})
        assert (caught.value.key, caught.value.old, caught.value.new) == ("p", "1", "2")
        assert store.get_logged_model("m-1").params == {"p": "1"}

    def test_what_is_not_there_is_not_found(self, store: RunStore) -> None:
        calls: list[Callable[[], object]] = [
            lambda: store.get_logged_model("m-0"),
            lambda: store.finalize_logged_model("m-0", LoggedModelStatus.READY),
            lambda: store.set_logged_model_tags("m-0", {"a": "1"}),
            lambda: store.delete_logged_model_tag("m-0", "a"),
            lambda: store.log_logged_model_params("m-0", {"a": "1"}),
            lambda: store.delete_logged_model("m-0"),
            lambda: store.restore_logged_model("m-0"),
        ]
        for call in calls:
            with pytest.raises(NotFound):
                call()

    def test_a_deleted_model_is_read_but_not_written(self, store: RunStore) -> None:
        store.create_logged_model("0", "m-1", "model", tags={"a": "1"})
        for _ in range(2):
            store.delete_logged_model("m-1")
        assert store.get_logged_model("m-1").lifecycle_stage == LifecycleStage.DELETED
        assert (ids(store), ids(store, ViewType.DELETED_ONLY), ids(store, ViewType.ALL)) == ([], ["m-1"], ["m-1"])
        writes: list[Callable[[], object]] = [
            lambda: store.finalize_logged_model("m-1", LoggedModelStatus.READY),
            lambda: store.set_logged_model_tags("m-1", {"a": "2"}),
            lambda: store.delete_logged_model_tag("m-1", "a"),
            lambda: store.log_logged_model_params("m-1", {"a": "1"}),
        ]
        for write in writes:
            with pytest.raises(RunStateError):
                write()
        for _ in range(2):
            store.restore_logged_model("m-1")
        store.set_logged_model_tags("m-1", {"a": "2"})
        assert (store.get_logged_model("m-1").tags, ids(store)) == ({"a": "2"}, ["m-1"])

    def test_models_go_with_their_experiment_and_come_back(self, store: RunStore) -> None:
        other = store.create_experiment("a").experiment_id
        store.create_logged_model(other, "m-1", "model")
        store.create_logged_model(other, "m-2", "model")
        store.delete_logged_model("m-2")
        store.delete_experiment(other)
        assert ids(store, ViewType.DELETED_ONLY) == ["m-1", "m-2"]
        store.restore_experiment(other)
        assert (ids(store), ids(store, ViewType.DELETED_ONLY)) == (["m-1"], ["m-2"])

    def test_a_purge_takes_what_is_deleted_and_what_some_runs_made(self, store: RunStore) -> None:
        for model_id, run_id in (("m-1", "r1"), ("m-2", "r1"), ("m-3", "r2"), ("m-4", "r2"), ("m-5", None)):
            store.create_logged_model("0", model_id, "model", source_run_id=run_id, tags={"a": "1"})
        places = {model_id: store.get_logged_model(model_id).artifact_location for model_id in ids(store)}
        for model_id in ("m-3", "m-4"):
            store.delete_logged_model(model_id)
        assert store.purge_logged_models(0) == []
        assert dict(store.purge_logged_models(FOREVER_MS, of_runs=["r1"], keep=["m-2", "m-4"])) == {
            model_id: places[model_id] for model_id in ("m-1", "m-3")
        }
        assert ids(store, ViewType.ALL) == ["m-2", "m-4", "m-5"]
        with pytest.raises(NotFound):
            store.get_logged_model("m-1")

    def test_an_experiment_that_holds_a_model_is_not_purged(self, store: RunStore) -> None:
        other = store.create_experiment("a").experiment_id
        store.create_logged_model(other, "m-1", "model")
        store.delete_experiment(other)
        assert store.purge_experiments(FOREVER_MS) == []
        store.purge_logged_models(FOREVER_MS)
        assert [experiment_id for experiment_id, _ in store.purge_experiments(FOREVER_MS)] == [other]

    def test_a_batch_makes_a_model_of_its_run(self, store: RunStore) -> None:
        store.write("r1", Batch(start=started().start, params={"lr": "0.1", "depth": "2"}))
        start = ModelStart("m-1", "model", 1234, 7, "tree", {"depth": "3"}, {"k": "v"})
        for _ in range(2):
            store.write("r1", Batch(models=[start]))
        model = store.get_logged_model("m-1")
        assert (model.name, model.source_run_id, model.experiment_id) == ("model", "r1", "0")
        assert (model.status, model.model_type, model.tags) == (LoggedModelStatus.PENDING, "tree", {"k": "v"})
        assert model.params == {"lr": "0.1", "depth": "3"}
        assert model.creation_timestamp == 1234
        assert model.artifact_location.endswith("/models/m-1/artifacts")
        assert store.get_run("r1").outputs.model_outputs == [ModelOutput("m-1", 7)]

    def test_a_model_has_the_metrics_that_its_run_had_at_its_step_or_all(self, store: RunStore) -> None:
        batch = started()
        for key, step, value in (("early", 1, 0.5), ("late", 3, 0.25), ("late", 4, 0.75)):
            batch.add_metric(key, value, 1000 + step, step)
        store.write("r1", batch)
        store.write("r1", Batch(models=[ModelStart("m-1", "a", 1, 1), ModelStart("m-2", "b", 1, whole_run=True)]))
        early, late = Metric("early", 0.5, 1001, 1), Metric("late", 0.75, 1004, 4)
        assert _bare(store.get_logged_model("m-1")) == [early]
        assert sorted(_bare(store.get_logged_model("m-2")), key=lambda each: each.key) == [early, late]

    def test_points_are_of_their_model_with_run_step_and_dataset(self, store: RunStore) -> None:
        store.write("r1", Batch(start=started().start, models=[ModelStart("m-1", "model", 1)]))
        points = [point(0.5, 1, dataset=("train", "d1")), point(math.inf, 2, dataset=("train", "d1")), point(0.25)]
        store.write("r1", Batch(model_points=points, model_inputs=[ModelInput("m-9")]), Token("w", 0, 9))
        store.write("r1", Batch(model_points=points), Token("w", 0, 9))
        found = store.get_logged_model("m-1").metrics
        assert sorted(found, key=lambda each: each.timestamp) == sorted(points, key=lambda each: each.timestamp)
        run = store.get_run("r1")
        assert (run.data.metrics, run.inputs.model_inputs) == ({}, [ModelInput("m-9")])

    def test_a_point_that_comes_twice_counts_once_and_nan_is_kept(self, store: RunStore) -> None:
        store.write("r1", Batch(start=started().start, models=[ModelStart("m-1", "model", 1)]))
        for _ in range(2):
            store.write("r1", Batch(model_points=[point(0.5)]))
        store.write("r1", Batch(model_points=[point(math.nan, 1)]))
        values = [each.value for each in store.get_logged_model("m-1").metrics]
        assert (values[0], len(values), math.isnan(values[1])) == (0.5, 2, True)

    def test_of_a_long_series_a_model_keeps_the_last_points(self, store: RunStore) -> None:
        store.write("r1", Batch(start=started().start, models=[ModelStart("m-1", "model", 1)]))
        for begin in (0, 150):
            store.write("r1", Batch(model_points=[point(float(step), step) for step in range(begin, begin + 150)]))
        assert [each.step for each in store.get_logged_model("m-1").metrics][-100:] == list(range(200, 300))

    def test_a_point_of_a_model_that_is_not_there_harms_nothing(self, store: RunStore) -> None:
        batch = started()
        batch.add_metric("accuracy", 0.5, 1000)
        batch.model_points = [point(0.5, model_id="m-none")]
        store.write("r1", batch)
        assert (store.get_run("r1").data.metrics, ids(store)) == ({"accuracy": 0.5}, [])

    def test_a_batch_that_fails_makes_no_model(self, store: RunStore) -> None:
        store.write("r1", Batch(start=started().start, params={"lr": "1"}, models=[ModelStart("m-1", "model", 1)]))
        bad = Batch(params={"lr": "2"}, models=[ModelStart("m-2", "model", 1)], model_points=[point(0.5)])
        with pytest.raises(ParamConflict):
            store.write("r1", bad)
        assert (ids(store), store.get_logged_model("m-1").metrics) == (["m-1"], [])

    def test_a_model_outlives_its_run(self, store: RunStore) -> None:
        batch = started()
        batch.add_metric("accuracy", 0.5, 1000)
        batch.models = [ModelStart("m-1", "model", 1)]
        store.write("r1", batch)
        before = store.get_logged_model("m-1")
        store.delete_run("r1")
        store.purge_runs(FOREVER_MS)
        assert store.get_logged_model("m-1") == before
        assert [each.value for each in before.metrics] == [0.5]


def _bare(model: LoggedModel) -> list[Metric]:
    return [Metric(each.key, each.value, each.timestamp, each.step) for each in model.metrics]
