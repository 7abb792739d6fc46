"""The contract of a run store, part six: searching logged models."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from steno.contracts.stores import RunStore
from steno.errors import InvalidValue
from steno.queries import (
    And,
    Compare,
    Condition,
    DatasetRef,
    Field,
    LoggedModelQuery,
    ModelOrderKey,
    Not,
    Or,
    Stat,
)
from steno.records import Batch, Metric, ModelStart
from steno.testing.experiments import StoreTests, started
from steno.testing.searches import attribute, metric, param, tag

TRAIN, EVAL = ("train", "d1"), ("eval", "d2")


def _points(model_id: str, *values: float, dataset: tuple[str, str] | None = None, key: str = "acc") -> list[Metric]:
    name, digest = dataset or (None, None)
    return [Metric(key, value, 1000 + step, step, name, digest, model_id) for step, value in enumerate(values)]


def _fill(store: RunStore) -> str:
    """Four models: `m-a` and `m-b` of a run, `m-c` of none, `m-d` of another experiment, whose id is returned."""
    other = store.create_experiment("other").experiment_id
    made = [
        ModelStart("m-a", "Alpha", 1000, 0, "tree", {"lr": "0.10"}, {"team": "Red"}),
        ModelStart("m-b", "beta", 2000, 0, None, {"lr": "0.2", "only": "b"}, {"team": "red"}),
    ]
    points = _points("m-a", 0.5, 0.9, 0.7, dataset=TRAIN) + _points("m-a", 0.6, dataset=EVAL)
    points += _points("m-b", 0.8, dataset=EVAL) + _points("m-b", math.nan, key="odd") + _points("m-a", 1.0, key="odd")
    store.write("r1", Batch(start=started().start, models=made, model_points=points))
    store.create_logged_model("0", "m-c", "gamma_1")
    store.create_logged_model(other, "m-d", "Alpha")
    return other


def found(store: RunStore, where: Condition | None = None, *order_by: ModelOrderKey, **more: object) -> str:
    """Return the last letters of the ids that a search finds in the first experiment, in its order."""
    query = LoggedModelQuery(("0",), where, order_by, **more)  # type: ignore[arg-type]
    return "".join(model.model_id[-1] for model in store.search_logged_models(query))


CONDITIONS: Sequence[tuple[Condition, str]] = (
    (Compare(attribute("name"), "=", "Alpha"), "a"),
    (Compare(attribute("name"), "LIKE", "%a"), "ab"),
    (Compare(attribute("name"), "ILIKE", "ALPHA"), "a"),
    (Compare(attribute("name"), "IN", ("beta", "gamma_1", "Alphabet")), "bc"),
    (Compare(attribute("name"), "NOT IN", ("beta", "gamma_1")), "a"),
    (Compare(attribute("model_id"), "=", "m-b"), "b"),
    (Compare(attribute("model_type"), "=", "tree"), "a"),
    (Compare(attribute("model_type"), "!=", "forest"), "a"),
    (Compare(attribute("source_run_id"), "=", "r1"), "ab"),
    (Compare(attribute("experiment_id"), "=", "0"), "abc"),
    (Compare(attribute("status"), "=", "PENDING"), "abc"),
    (Compare(attribute("creation_timestamp"), "<=", 2000), "ab"),
    (Compare(attribute("last_updated_timestamp"), ">", 2000), "c"),
    (Compare(param("lr"), "=", "0.10"), "a"),
    (Compare(param("only"), "!=", "x"), "b"),
    (Compare(param("only"), "IS NULL"), "ac"),
    (Compare(tag("team"), "LIKE", "R%"), "a"),
    (Compare(tag("team"), "IS NOT NULL"), "ab"),
    (Compare(metric("acc"), "=", 0.7), "a"),
    (Compare(metric("acc"), ">", 0.65), "ab"),
    (Compare(metric("acc"), ">", 0.85), ""),
    (Compare(metric("acc", Stat.MAX), ">", 0.85), "a"),
    (Compare(metric("acc", Stat.MIN), "<", 0.55), "a"),
    (Compare(metric("acc", Stat.STEP), "=", 2), "a"),
    (Compare(metric("odd"), "!=", 5.0), "ab"),
    (Compare(metric("odd"), ">", -5.0), "a"),
    (Compare(metric("none"), "!=", 1.0), ""),
    (And((Compare(param("lr"), "LIKE", "0.%"), Compare(metric("acc"), ">=", 0.8))), "b"),
    (Or((Compare(attribute("name"), "=", "gamma_1"), Compare(tag("team"), "=", "red"))), "bc"),
    (Not(Compare(attribute("source_run_id"), "IS NOT NULL")), "c"),
)


class ModelSearchTests(StoreTests):
    def test_every_condition_on_models_finds_what_it_says(self, store: RunStore) -> None:
        _fill(store)
        for where, expected in CONDITIONS:
            assert "".join(sorted(found(store, where))) == expected, where

    def test_models_of_the_experiments_asked_for_are_found_the_newest_first(self, store: RunStore) -> None:
        other = _fill(store)
        assert found(store) == "cba"
        for asked, count in (((other,), 1), (("0", other), 4), (None, 4), ((), 0), (("999",), 0)):
            assert len(store.search_logged_models(LoggedModelQuery(asked))) == count

    def test_a_condition_on_metrics_holds_on_the_datasets_asked_for(self, store: RunStore) -> None:
        _fill(store)
        good = Compare(metric("acc"), ">", 0.65)
        for datasets, expected in (
            ((DatasetRef("train"),), "a"),
            ((DatasetRef("eval"),), "b"),
            ((DatasetRef("eval", "d2"), DatasetRef("train", "d1")), "ba"),
            ((DatasetRef("eval", "d1"),), ""),
        ):
            assert found(store, good, datasets=datasets) == expected
        assert found(store, datasets=(DatasetRef("eval"),)) == "ba"

    def test_models_are_ordered_by_attributes_and_metrics_and_what_they_lack_comes_last(self, store: RunStore) -> None:
        _fill(store)
        by_name, by_type = attribute("name"), attribute("model_type")
        for key, expected in (
            (ModelOrderKey(by_name), "abc"),
            (ModelOrderKey(by_name, False), "cba"),
            (ModelOrderKey(by_type), "acb"),
            (ModelOrderKey(by_type, False), "acb"),
            (ModelOrderKey(metric("acc"), False), "bac"),
            (ModelOrderKey(metric("acc"), True, DatasetRef("eval", "d2")), "abc"),
            (ModelOrderKey(metric("acc"), True, DatasetRef("train")), "acb"),
            (ModelOrderKey(metric("odd"), False), "abc"),
        ):
            assert found(store, None, key) == expected, key

    def test_pages_hold_every_model_once_and_end(self, store: RunStore) -> None:
        for number in range(7):
            store.create_logged_model("0", f"m-{number}", "model", params={"n": str(number)})
        query = LoggedModelQuery(("0",), None, (ModelOrderKey(attribute("model_id")),), max_results=3)
        seen, token, pages = list[str](), None, 0
        while pages == 0 or token is not None:
            page = store.search_logged_models(_with(query, token))
            assert [model.params for model in page] == [{"n": model.model_id[-1]} for model in page]
            seen, token, pages = [*seen, *(model.model_id for model in page)], page.token, pages + 1
            store.create_logged_model("0", f"m-0-{pages}", "late")
        assert (seen, pages) == ([f"m-{number}" for number in range(7)], 3)

    def test_a_token_belongs_to_its_search_of_models(self, store: RunStore) -> None:
        for number in range(3):
            store.create_logged_model("0", f"m-{number}", "model")
        token = store.search_logged_models(LoggedModelQuery(("0",), max_results=1)).token
        for query in (LoggedModelQuery(None, page_token=token), LoggedModelQuery(("0",), page_token="nonsense")):
            with pytest.raises(InvalidValue):
                store.search_logged_models(query)

    def test_what_models_do_not_have_cannot_be_searched(self, store: RunStore) -> None:
        for field in (attribute("run_name"), attribute("artifact_uri"), Field(metric("a").entity, "a", Stat.COUNT)):
            with pytest.raises(InvalidValue):
                store.search_logged_models(LoggedModelQuery(None, Compare(field, "=", "a")))


def _with(query: LoggedModelQuery, token: str | None) -> LoggedModelQuery:
    from msgspec.structs import replace

    return replace(query, page_token=token)
