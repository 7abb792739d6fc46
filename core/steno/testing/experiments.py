"""The contract of a run store, part one: experiments, and what is deleted, restored and purged."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import pytest

from steno.contracts.stores import RunStore
from steno.errors import AlreadyExists, InvalidValue, NotFound, RunStateError
from steno.queries import And, Compare, Entity, ExperimentQuery, Field, OrderKey, RunQuery, ViewType
from steno.records import DEFAULT_EXPERIMENT_ID, Batch, Experiment, LifecycleStage, RunStart

FOREVER_MS = 2**52


def started(experiment_id: str = DEFAULT_EXPERIMENT_ID, name: str = "run", start_time: int = 1000) -> Batch:
    """A batch that creates a run."""
    return Batch(start=RunStart(experiment_id, name, start_time))


class StoreTests(ABC):
    """How a suite gets its store."""

    @abstractmethod
    def make_store(self, folder: Path) -> RunStore:
        """Return a new, empty store; `folder` is an empty folder of its own."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[RunStore]:
        store = self.make_store(tmp_path)
        yield store
        store.close()


class ExperimentTests(StoreTests):
    def test_the_default_experiment_is_there_from_the_start(self, store: RunStore) -> None:
        default = store.get_experiment("0")
        assert (default.name, default.lifecycle_stage) == ("Default", LifecycleStage.ACTIVE)
        assert store.get_experiment_by_name("Default") == default

    def test_an_experiment_is_read_as_it_was_created(self, store: RunStore) -> None:
        made = store.create_experiment("métrique/π", tags={"team": "a", "note": ""})
        assert store.get_experiment(made.experiment_id) == made
        assert store.get_experiment_by_name("métrique/π") == made
        assert made.tags == {"team": "a", "note": ""}
        assert made.artifact_location
        assert made.creation_time > 0

    def test_a_given_artifact_location_is_kept(self, store: RunStore) -> None:
        assert store.create_experiment("a", artifact_location="s3://b/c").artifact_location == "s3://b/c"

    def test_each_experiment_has_an_artifact_location_of_its_own(self, store: RunStore) -> None:
        first, second = store.create_experiment("a"), store.create_experiment("b")
        assert first.artifact_location != second.artifact_location

    def test_a_taken_name_is_refused_even_if_its_owner_is_deleted(self, store: RunStore) -> None:
        made = store.create_experiment("a")
        with pytest.raises(AlreadyExists):
            store.create_experiment("a")
        store.delete_experiment(made.experiment_id)
        with pytest.raises(AlreadyExists):
            store.create_experiment("a")
        assert store.get_experiment_by_name("a") is not None

    @pytest.mark.parametrize("experiment_id", ["77", "no-number", "", "-1", "9" * 40])
    def test_an_unknown_experiment_is_not_found(self, store: RunStore, experiment_id: str) -> None:
        with pytest.raises(NotFound):
            store.get_experiment(experiment_id)
        with pytest.raises(NotFound):
            store.delete_experiment(experiment_id)

    def test_an_unknown_name_gives_none(self, store: RunStore) -> None:
        assert store.get_experiment_by_name("nobody") is None

    def test_an_experiment_is_renamed(self, store: RunStore) -> None:
        made, taken = store.create_experiment("a"), store.create_experiment("b")
        store.rename_experiment(made.experiment_id, "c")
        assert store.get_experiment(made.experiment_id).name == "c"
        with pytest.raises(AlreadyExists):
            store.rename_experiment(made.experiment_id, taken.name)

    def test_experiment_tags_are_set_replaced_and_removed(self, store: RunStore) -> None:
        number = store.create_experiment("a", tags={"x": "1"}).experiment_id
        store.set_experiment_tags(number, {"x": "2", "y": "3"})
        store.delete_experiment_tag(number, "y")
        assert store.get_experiment(number).tags == {"x": "2"}
        with pytest.raises(NotFound):
            store.delete_experiment_tag(number, "y")

    def test_a_deleted_experiment_cannot_be_changed(self, store: RunStore) -> None:
        number = store.create_experiment("a").experiment_id
        store.delete_experiment(number)
        with pytest.raises(RunStateError):
            store.rename_experiment(number, "b")
        with pytest.raises(RunStateError):
            store.set_experiment_tags(number, {"a": "b"})
        with pytest.raises(RunStateError):
            store.write("r", started(number))

    def test_deleting_twice_and_restoring_the_active_is_not_found(self, store: RunStore) -> None:
        number = store.create_experiment("a").experiment_id
        with pytest.raises(NotFound):
            store.restore_experiment(number)
        store.delete_experiment(number)
        with pytest.raises(NotFound):
            store.delete_experiment(number)

    def test_restoring_an_experiment_restores_the_runs_that_went_with_it(self, store: RunStore) -> None:
        number = store.create_experiment("a").experiment_id
        for run_id in ("kept", "gone"):
            store.write(run_id, started(number))
        store.delete_run("gone")
        store.delete_experiment(number)
        assert store.get_run("kept").info.lifecycle_stage == LifecycleStage.DELETED
        assert not store.search_runs(RunQuery((number,)))
        store.restore_experiment(number)
        assert store.get_experiment(number).lifecycle_stage == LifecycleStage.ACTIVE
        assert [run.info.run_id for run in store.search_runs(RunQuery((number,)))] == ["kept"]

    def test_experiments_are_searched_by_view(self, store: RunStore) -> None:
        store.delete_experiment(store.create_experiment("gone").experiment_id)
        names = {view: _names(store, ExperimentQuery(view=view)) for view in ViewType}
        assert names[ViewType.ACTIVE_ONLY] == ["Default"]
        assert names[ViewType.DELETED_ONLY] == ["gone"]
        assert sorted(names[ViewType.ALL]) == ["Default", "gone"]

    def test_experiments_are_searched_by_their_fields(self, store: RunStore) -> None:
        number = store.create_experiment("Alpha", tags={"team": "red"}).experiment_id
        store.create_experiment("beta")
        name, tag, ident = _field("name"), Field(Entity.TAG, "team"), _field("experiment_id")
        for condition, expected in (
            (Compare(name, "=", "Alpha"), ["Alpha"]),
            (Compare(name, "LIKE", "a%"), []),
            (Compare(name, "ILIKE", "a%"), ["Alpha"]),
            (Compare(tag, "=", "red"), ["Alpha"]),
            (Compare(tag, "!=", "red"), []),
            (Compare(tag, "IS NULL"), ["Default", "beta"]),
            (Compare(ident, "IN", (number, "0")), ["Alpha", "Default"]),
            (And((Compare(_field("creation_time"), ">", 0), Compare(name, "!=", "Alpha"))), ["Default", "beta"]),
        ):
            assert sorted(_names(store, ExperimentQuery(condition))) == expected, condition

    def test_experiments_come_in_order_and_in_pages(self, store: RunStore) -> None:
        for name in ("b", "a", "c"):
            store.create_experiment(name)
        by_name = (OrderKey(_field("name")),)
        assert _names(store, ExperimentQuery(order_by=by_name)) == ["Default", "a", "b", "c"]
        first = store.search_experiments(ExperimentQuery(order_by=by_name, max_results=3))
        rest = store.search_experiments(ExperimentQuery(order_by=by_name, max_results=3, page_token=first.token))
        assert [each.name for each in (*first, *rest)] == ["Default", "a", "b", "c"]
        assert rest.token is None
        with pytest.raises(InvalidValue):
            store.search_experiments(ExperimentQuery(page_token=first.token))

    def test_purging_removes_what_was_deleted_and_nothing_else(self, store: RunStore) -> None:
        doomed: Experiment = store.create_experiment("doomed")
        store.write("mine", started(doomed.experiment_id))
        store.write("other", started())
        store.delete_experiment(doomed.experiment_id)
        assert store.purge_experiments(FOREVER_MS) == []  # it still holds a run
        assert store.purge_runs(0) == []  # deleted later than that
        uri = store.get_run("mine").info.artifact_uri
        assert store.purge_runs(FOREVER_MS) == [("mine", uri)]
        assert store.purge_experiments(FOREVER_MS) == [(doomed.experiment_id, doomed.artifact_location)]
        store.compact()
        with pytest.raises(NotFound):
            store.get_run("mine")
        assert store.get_experiment_by_name("doomed") is None
        assert store.get_run("other").info.run_id == "other"

    def test_the_id_of_a_purged_experiment_is_not_used_again(self, store: RunStore) -> None:
        number = store.create_experiment("a").experiment_id
        store.delete_experiment(number)
        store.purge_experiments(FOREVER_MS)
        assert store.create_experiment("b").experiment_id != number

    def test_a_closed_store_can_be_used_again(self, store: RunStore) -> None:
        store.create_experiment("a")
        store.close()
        assert store.get_experiment_by_name("a") is not None


def _field(key: str) -> Field:
    return Field(Entity.ATTRIBUTE, key)


def _names(store: RunStore, query: ExperimentQuery) -> list[str]:
    return [each.name for each in store.search_experiments(query)]
