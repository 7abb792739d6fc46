"""The contract of a run store, part three: searching runs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from steno.contracts.stores import RunStore
from steno.errors import InvalidValue
from steno.queries import And, Compare, Condition, Entity, Field, Not, Or, OrderKey, RunQuery, Stat, ViewType
from steno.records import Batch, Dataset, DatasetInput, InputTag, RunChange, RunStart, RunStatus, Tags
from steno.testing.experiments import StoreTests, started

NAN = math.nan


def metric(key: str, stat: Stat = Stat.LAST) -> Field:
    """The field of a metric."""
    return Field(Entity.METRIC, key, stat)


def param(key: str) -> Field:
    """The field of a param."""
    return Field(Entity.PARAM, key)


def tag(key: str) -> Field:
    """The field of a tag."""
    return Field(Entity.TAG, key)


def attribute(key: str) -> Field:
    """The field of an attribute."""
    return Field(Entity.ATTRIBUTE, key)


def dataset(key: str) -> Field:
    """The field of a dataset."""
    return Field(Entity.DATASET, key)


def found(store: RunStore, where: Condition | None = None, *order_by: OrderKey) -> list[str]:
    """Return the ids a search finds, in its order."""
    return [run.info.run_id for run in store.search_runs(RunQuery(("0",), where, order_by))]


def _fill(store: RunStore) -> None:
    """Three runs: `a` has everything, `b` other values, `c` nothing but a head."""
    a = Batch(start=RunStart("0", "Alpha", 1000, user_id="ada", tags={"team": "Red", "x%": "1"}))
    a.params, a.change = {"lr": "0.10", "only": "a"}, RunChange(RunStatus.FINISHED, 5000)
    for step, value in enumerate((3.0, -1.0, 2.0)):
        a.add_metric("loss", value, 1000, step)
    a.add_metric("nan", NAN, 1000)
    a.inputs = [_input("train.csv", "d1", "training"), _input("eval.csv", "d2", "eval")]
    b = Batch(start=RunStart("0", "beta", 2000, user_id="bob", tags={"team": "red"}), params={"lr": "0.2"})
    b.add_metric("loss", 7.0, 1000)
    b.add_metric("nan", 1.0, 1000)
    b.inputs = [_input("eval.csv", "d3", "testing")]
    for run_id, batch in (("a", a), ("b", b), ("c", started(name="gamma_1", start_time=3000))):
        store.write(run_id, batch)


def _input(name: str, digest: str, context: str) -> DatasetInput:
    return DatasetInput(Dataset(name, digest, "local", "{}"), (InputTag(Tags.DATASET_CONTEXT, context),))


CONDITIONS: Sequence[tuple[Condition, str]] = (
    (Compare(metric("loss"), "=", 2.0), "a"),
    (Compare(metric("loss"), "!=", 2), "b"),
    (Compare(metric("loss"), ">", 2), "b"),
    (Compare(metric("loss"), ">=", 2), "ab"),
    (Compare(metric("loss"), "<", 7.0), "a"),
    (Compare(metric("loss"), "<=", 10**30), "ab"),
    (Compare(metric("loss"), ">", -(10**400)), "ab"),
    (Compare(metric("loss", Stat.MIN), "<", 0), "a"),
    (Compare(metric("loss", Stat.MAX), "=", 3), "a"),
    (Compare(metric("loss", Stat.COUNT), ">", 1), "a"),
    (Compare(metric("loss", Stat.STEP), "=", 2), "a"),
    (Compare(metric("nan"), ">", -1e308), "b"),
    (Compare(metric("nan"), "<=", math.inf), "b"),
    (Compare(metric("nan"), "=", 1), "b"),
    (Compare(metric("nan"), "!=", 5), "ab"),
    (Compare(metric("nan"), "!=", 1), "a"),
    (Compare(metric("loss"), "=", NAN), ""),
    (Compare(metric("loss"), "IS NULL"), "c"),
    (Compare(param("lr"), "=", "0.1"), ""),
    (Compare(param("lr"), "=", "0.10"), "a"),
    (Compare(param("lr"), "!=", "0.10"), "b"),
    (Compare(param("lr"), "LIKE", "0.%"), "ab"),
    (Compare(param("lr"), "LIKE", "0._"), "b"),
    (Compare(param("only"), "IS NULL"), "bc"),
    (Compare(param("only"), "IS NOT NULL"), "a"),
    (Compare(tag("team"), "=", "red"), "b"),
    (Compare(tag("team"), "LIKE", "r%"), "b"),
    (Compare(tag("team"), "ILIKE", "R%"), "ab"),
    (Compare(tag("x%"), "=", "1"), "a"),
    (Compare(tag("' OR 1=1 --"), "IS NOT NULL"), ""),
    (Compare(attribute("run_id"), "IN", ("a", "c", "z")), "ac"),
    (Compare(attribute("run_id"), "NOT IN", ("a", "c")), "b"),
    (Compare(attribute("run_name"), "LIKE", "a%"), ""),
    (Compare(attribute("run_name"), "ILIKE", "a%"), "a"),
    (Compare(attribute("run_name"), "LIKE", "gamma_1"), "c"),
    (Compare(attribute("status"), "=", "FINISHED"), "a"),
    (Compare(attribute("status"), "!=", "FINISHED"), "bc"),
    (Compare(attribute("user_id"), "=", "bob"), "b"),
    (Compare(attribute("artifact_uri"), "LIKE", "%/b/artifacts"), "b"),
    (Compare(attribute("start_time"), ">=", 2000), "bc"),
    (Compare(attribute("end_time"), "<", 6000), "a"),
    (Compare(attribute("end_time"), "IS NULL"), "bc"),
    (Compare(dataset("name"), "=", "eval.csv"), "ab"),
    (Compare(dataset("name"), "LIKE", "train%"), "a"),
    (Compare(dataset("digest"), "IN", ("d1", "d3")), "ab"),
    (Compare(dataset("context"), "=", "testing"), "b"),
    (Compare(dataset("context"), "NOT IN", ("testing",)), "a"),
    (Not(Compare(metric("loss"), ">", 2)), "ac"),
    (Not(Compare(metric("nan"), ">", 0)), "ac"),
    (Not(Compare(attribute("end_time"), ">", 0)), "bc"),
    (Not(Compare(param("lr"), "!=", "0.10")), "ac"),
    (Or((Compare(metric("loss"), "=", 7), Compare(attribute("run_id"), "=", "c"))), "bc"),
    (And((Compare(dataset("name"), "=", "train.csv"), Compare(dataset("name"), "=", "eval.csv"))), "a"),
    (And((Or((Compare(tag("team"), "=", "Red"), Compare(tag("team"), "=", "red"))), Not(Or(())))), "ab"),
    (And(()), "abc"),
)


class SearchTests(StoreTests):
    def test_every_comparison_finds_what_it_says(self, store: RunStore) -> None:
        _fill(store)
        for condition, expected in CONDITIONS:
            assert "".join(sorted(found(store, condition))) == expected, condition

    def test_a_comparison_that_makes_no_sense_is_refused(self, store: RunStore) -> None:
        for compare in (
            Compare(metric("loss"), "LIKE", "1%"),
            Compare(metric("loss"), "=", "text"),
            Compare(param("lr"), ">", 1),
            Compare(param("lr"), "=", 1),
            Compare(attribute("colour"), "=", "red"),
            Compare(dataset("colour"), "=", "red"),
            Compare(attribute("start_time"), "=", "now"),
            Compare(param("lr"), "IN", "text"),
        ):
            with pytest.raises(InvalidValue):
                found(store, compare)

    def test_runs_come_newest_first_then_by_id(self, store: RunStore) -> None:
        for run_id, start in (("d", 1), ("b", 2), ("a", 2), ("c", 3)):
            store.write(run_id, started(start_time=start))
        assert found(store) == ["c", "a", "b", "d"]
        assert found(store, None, OrderKey(attribute("start_time"))) == ["d", "a", "b", "c"]

    def test_real_values_come_first_then_nan_then_missing_in_both_directions(self, store: RunStore) -> None:
        values = {"two": 2.0, "one": 1.0, "inf": math.inf, "low": -math.inf, "nan": NAN, "none": None}
        for start, (run_id, value) in enumerate(values.items()):
            batch = started(start_time=start)
            if value is not None:
                batch.add_metric("m", value, 1)
            store.write(run_id, batch)
        assert found(store, None, OrderKey(metric("m"))) == ["low", "one", "two", "inf", "nan", "none"]
        assert found(store, None, OrderKey(metric("m"), False)) == ["inf", "two", "one", "low", "nan", "none"]

    def test_text_sorts_as_text_with_the_missing_last(self, store: RunStore) -> None:
        _fill(store)
        assert found(store, None, OrderKey(param("lr"))) == ["a", "b", "c"]
        assert found(store, None, OrderKey(param("lr"), False)) == ["b", "a", "c"]
        assert found(store, None, OrderKey(tag("team"))) == ["a", "b", "c"]
        assert found(store, None, OrderKey(attribute("end_time"), False)) == ["a", "c", "b"]
        assert found(store, None, OrderKey(attribute("run_name"))) == ["a", "b", "c"]

    def test_several_keys_order_one_after_the_other(self, store: RunStore) -> None:
        for run_id, first, second in (("a", 1.0, 1.0), ("b", 1.0, 2.0), ("c", 0.0, 3.0)):
            batch = started()
            batch.add_metric("first", first, 1)
            batch.add_metric("second", second, 1)
            store.write(run_id, batch)
        assert found(store, None, OrderKey(metric("first")), OrderKey(metric("second"), False)) == ["c", "b", "a"]

    def test_runs_cannot_be_ordered_by_what_they_have_many_of(self, store: RunStore) -> None:
        with pytest.raises(InvalidValue):
            found(store, None, OrderKey(dataset("name")))
        with pytest.raises(InvalidValue):
            found(store, None, OrderKey(attribute("colour")))

    def test_only_the_named_experiments_are_searched(self, store: RunStore) -> None:
        other = store.create_experiment("other").experiment_id
        store.write("a", started())
        store.write("b", started(other))
        for experiment_ids, expected in (
            (("0",), ["a"]),
            ((other,), ["b"]),
            (("0", other, "77", "no-number"), ["a", "b"]),
            ((), []),
            (None, ["a", "b"]),
        ):
            assert [run.info.run_id for run in store.search_runs(RunQuery(experiment_ids))] == expected

    def test_views_show_active_deleted_or_all(self, store: RunStore) -> None:
        for run_id in "ab":
            store.write(run_id, started())
        store.delete_run("b")
        for view, expected in ((ViewType.ACTIVE_ONLY, "a"), (ViewType.DELETED_ONLY, "b"), (ViewType.ALL, "ab")):
            runs = store.search_runs(RunQuery(("0",), view=view))
            assert "".join(run.info.run_id for run in runs) == expected

    def test_a_search_returns_runs_whole(self, store: RunStore) -> None:
        _fill(store)
        for run in store.search_runs(RunQuery(("0",), Compare(attribute("run_id"), "IN", ("b", "c")))):
            assert run == store.get_run(run.info.run_id)

    def test_pages_hold_every_run_once_and_end(self, store: RunStore) -> None:
        batch = started(name="r0")
        batch.children = [(f"r{number}", started(start_time=number % 3)) for number in range(1, 25)]
        store.write("r0", batch)
        query, seen = RunQuery(("0",), order_by=(OrderKey(attribute("run_name"), False),), max_results=10), []
        whole = found(store, None, *query.order_by)
        while True:
            page = store.search_runs(query)
            seen += [run.info.run_id for run in page]
            if page.token is None:
                break
            assert len(page) == 10
            query = RunQuery(("0",), order_by=query.order_by, max_results=10, page_token=page.token)
        assert sorted(seen) == sorted(f"r{number}" for number in range(25))
        assert seen == whole

    def test_a_token_of_another_search_is_refused(self, store: RunStore) -> None:
        for run_id in "abc":
            store.write(run_id, started())
        token = store.search_runs(RunQuery(("0",), max_results=1)).token
        assert token
        for query in (
            RunQuery(("0", "1"), max_results=1, page_token=token),
            RunQuery(("0",), Compare(metric("m"), ">", 1), max_results=1, page_token=token),
            RunQuery(("0",), order_by=(OrderKey(metric("m")),), max_results=1, page_token=token),
            RunQuery(("0",), view=ViewType.ALL, max_results=1, page_token=token),
            RunQuery(("0",), page_token="no token"),
            RunQuery(("0",), page_token="ä"),
        ):
            with pytest.raises(InvalidValue):
                store.search_runs(query)

    @pytest.mark.parametrize("max_results", [0, -1, 50_001])
    def test_a_page_is_neither_empty_nor_endless(self, store: RunStore, max_results: int) -> None:
        with pytest.raises(InvalidValue):
            store.search_runs(RunQuery(("0",), max_results=max_results))
