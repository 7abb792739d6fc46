"""The contract of a registry, part three: searching models and versions."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from steno.contracts.registry import RegistryStore
from steno.errors import InvalidValue
from steno.queries import (
    MAX_REGISTRY_RESULTS,
    And,
    Compare,
    Condition,
    Entity,
    Field,
    Not,
    Or,
    OrderKey,
    RegistryQuery,
)
from steno.testing.registry_models import RegistryTests


def _tag(key: str) -> Field:
    return Field(Entity.TAG, key)


def _attribute(key: str) -> Field:
    return Field(Entity.ATTRIBUTE, key)


def _models(store: RegistryStore, where: Condition | None = None, *order_by: OrderKey) -> list[str]:
    return [each.name for each in store.search_registered_models(RegistryQuery(where, order_by))]


def _versions(store: RegistryStore, where: Condition | None = None, *order_by: OrderKey) -> list[str]:
    found = store.search_model_versions(RegistryQuery(where, order_by))
    return [each.name + each.version for each in found]


def _fill(store: RegistryStore) -> None:
    """Models A, b and c_1; A has three versions, b one."""
    store.create_registered_model("c_1")
    store.create_registered_model("A", tags={"team": "Red", "x%": "1"})
    store.create_registered_model("b", tags={"team": "red"})
    store.create_model_version("A", "s3://bucket/one", run_id="r1", tags={"ok": "Yes"})
    store.create_model_version("b", "s3://bucket/ONE", run_id="r2", tags={"ok": "no"})
    store.create_model_version("A", "runs:/r2/m", run_id="r2")
    store.create_model_version("A", "s3://bucket/two")


def _wait_for_the_next_millisecond() -> None:
    time.sleep(0.002)


MODELS: Sequence[tuple[Condition, str]] = (
    (Compare(_attribute("name"), "=", "a"), ""),
    (Compare(_attribute("name"), "=", "A"), "A"),
    (Compare(_attribute("name"), "!=", "A"), "b c_1"),
    (Compare(_attribute("name"), "LIKE", "a%"), ""),
    (Compare(_attribute("name"), "ILIKE", "a%"), "A"),
    (Compare(_attribute("name"), "LIKE", "c_1"), "c_1"),
    (Compare(_attribute("name"), "IN", ("A", "b", "z")), "A b"),
    (Compare(_attribute("name"), "NOT IN", ("A", "b")), "c_1"),
    (Compare(_attribute("last_updated_timestamp"), ">", 0), "A b c_1"),
    (Compare(_tag("team"), "=", "red"), "b"),
    (Compare(_tag("team"), "!=", "red"), "A"),
    (Compare(_tag("team"), "LIKE", "R%"), "A"),
    (Compare(_tag("team"), "ILIKE", "R%"), "A b"),
    (Compare(_tag("team"), "IS NULL"), "c_1"),
    (Compare(_tag("x%"), "IS NOT NULL"), "A"),
    (Compare(_tag("' OR 1=1 --"), "IS NOT NULL"), ""),
    (Compare(_tag("ok"), "IS NOT NULL"), ""),
    (Not(Compare(_tag("team"), "=", "red")), "A c_1"),
    (Or((Compare(_tag("team"), "=", "red"), Compare(_attribute("name"), "=", "c_1"))), "b c_1"),
    (And((Compare(_tag("team"), "ILIKE", "red"), Not(Compare(_attribute("name"), "=", "A")))), "b"),
    (And(()), "A b c_1"),
)

VERSIONS: Sequence[tuple[Condition, str]] = (
    (Compare(_attribute("name"), "=", "A"), "A1 A2 A3"),
    (Compare(_attribute("name"), "ILIKE", "a"), "A1 A2 A3"),
    (Compare(_attribute("name"), "IN", ("b", "z")), "b1"),
    (Compare(_attribute("run_id"), "=", "r2"), "A2 b1"),
    (Compare(_attribute("run_id"), "!=", "r2"), "A1 A3"),
    (Compare(_attribute("run_id"), "IN", ("r1", "r2")), "A1 A2 b1"),
    (Compare(_attribute("run_id"), "NOT IN", ("r1",)), "A2 A3 b1"),
    (Compare(_attribute("run_id"), "LIKE", "r_"), "A1 A2 b1"),
    (Compare(_attribute("source_path"), "=", "s3://bucket/one"), "A1"),
    (Compare(_attribute("source_path"), "LIKE", "s3://%"), "A1 A3 b1"),
    (Compare(_attribute("source_path"), "ILIKE", "%/one"), "A1 b1"),
    (Compare(_attribute("version_number"), "=", 1), "A1 b1"),
    (Compare(_attribute("version_number"), "!=", 1), "A2 A3"),
    (Compare(_attribute("version_number"), ">", 1.5), "A2 A3"),
    (Compare(_attribute("version_number"), "<=", 2), "A1 A2 b1"),
    (Compare(_attribute("version_number"), "<", 10**40), "A1 A2 A3 b1"),
    (Compare(_attribute("creation_timestamp"), ">", 0), "A1 A2 A3 b1"),
    (Compare(_attribute("last_updated_timestamp"), "<=", 0), ""),
    (Compare(_tag("ok"), "=", "yes"), ""),
    (Compare(_tag("ok"), "ILIKE", "yes"), "A1"),
    (Compare(_tag("ok"), "!=", "Yes"), "b1"),
    (Compare(_tag("ok"), "IS NULL"), "A2 A3"),
    (Compare(_tag("team"), "IS NOT NULL"), ""),
    (And((Compare(_attribute("name"), "=", "A"), Compare(_attribute("run_id"), "=", "r2"))), "A2"),
    (Or((Compare(_tag("ok"), "=", "no"), Compare(_attribute("version_number"), "=", 3))), "A3 b1"),
)


class RegistrySearchTests(RegistryTests):
    def test_every_comparison_finds_the_models_it_says(self, store: RegistryStore) -> None:
        _fill(store)
        for condition, expected in MODELS:
            assert _models(store, condition) == expected.split(), condition

    def test_every_comparison_finds_the_versions_it_says(self, store: RegistryStore) -> None:
        _fill(store)
        for condition, expected in VERSIONS:
            assert sorted(_versions(store, condition)) == expected.split(), condition

    def test_a_comparison_that_makes_no_sense_in_the_registry_is_refused(self, store: RegistryStore) -> None:
        _fill(store)
        for compare in (
            Compare(_attribute("colour"), "=", "red"),
            Compare(_attribute("name"), ">", 1),
            Compare(_attribute("name"), "=", 1),
            Compare(_attribute("name"), "IN", "text"),
            Compare(_attribute("last_updated_timestamp"), "LIKE", "1%"),
            Compare(Field(Entity.METRIC, "loss"), ">", 1),
            Compare(Field(Entity.PARAM, "lr"), "=", "1"),
            Compare(_tag("team"), ">", 1),
        ):
            with pytest.raises(InvalidValue):
                _models(store, compare)
            with pytest.raises(InvalidValue):
                _versions(store, compare)
        for order in (OrderKey(_attribute("colour")), OrderKey(_tag("team"))):
            with pytest.raises(InvalidValue):
                _models(store, None, order)
            with pytest.raises(InvalidValue):
                _versions(store, None, order)

    def test_models_come_by_name_or_as_asked(self, store: RegistryStore) -> None:
        for name in ("b", "c", "a"):
            store.create_registered_model(name)
            _wait_for_the_next_millisecond()
        by_time = _attribute("last_updated_timestamp")
        assert _models(store) == ["a", "b", "c"]
        assert _models(store, None, OrderKey(_attribute("name"), False)) == ["c", "b", "a"]
        assert _models(store, None, OrderKey(by_time)) == ["b", "c", "a"]
        store.create_model_version("b", "s3://b/m")
        assert _models(store, None, OrderKey(by_time, False)) == ["b", "a", "c"]

    def test_versions_come_last_changed_first_or_as_asked(self, store: RegistryStore) -> None:
        for name in ("b", "a"):
            store.create_registered_model(name)
        for name in ("a", "b", "a"):
            store.create_model_version(name, "s3://b/m")
            _wait_for_the_next_millisecond()
        assert _versions(store) == ["a2", "b1", "a1"]
        store.describe_model_version("a", "1", "changed")
        assert _versions(store) == ["a1", "a2", "b1"]
        by_name, by_number = _attribute("name"), _attribute("version_number")
        assert _versions(store, None, OrderKey(by_name)) == ["a2", "a1", "b1"]
        assert _versions(store, None, OrderKey(by_name, False), OrderKey(by_number)) == ["b1", "a1", "a2"]
        assert _versions(store, None, OrderKey(by_number)) == ["a1", "b1", "a2"]
        assert _versions(store, None, OrderKey(_attribute("creation_timestamp"))) == ["a1", "b1", "a2"]
        assert _versions(store, None, OrderKey(_attribute("last_updated_timestamp"))) == ["b1", "a2", "a1"]

    def test_version_numbers_sort_as_numbers(self, store: RegistryStore) -> None:
        store.create_registered_model("a")
        for _ in range(11):
            store.create_model_version("a", "s3://b/m")
        assert _versions(store, None, OrderKey(_attribute("version_number"), False))[:3] == ["a11", "a10", "a9"]

    def test_a_search_returns_models_and_versions_whole(self, store: RegistryStore) -> None:
        _fill(store)
        store.set_registered_model_alias("A", "champion", "1")
        store.transition_model_version_stage("A", "2", "Staging")
        for model in store.search_registered_models(RegistryQuery()):
            assert model == store.get_registered_model(model.name)
        for version in store.search_model_versions(RegistryQuery()):
            assert version == store.get_model_version(version.name, version.version)

    def test_pages_of_the_registry_hold_everything_once_and_end(self, store: RegistryStore) -> None:
        for number in range(7):
            store.create_registered_model(f"m{number}", tags={"x": "1"})
            for _ in range(2):
                store.create_model_version(f"m{number}", "s3://b/m")
        for search, count in ((store.search_registered_models, 7), (store.search_model_versions, 14)):
            whole, query = search(RegistryQuery()), RegistryQuery(max_results=3)
            seen: list[object] = []
            assert whole.token is None
            while True:
                page = search(query)
                seen += page
                if page.token is None:
                    break
                assert len(page) == 3
                query = RegistryQuery(max_results=3, page_token=page.token)
            assert seen == whole
            assert len(seen) == count

    def test_a_token_of_another_search_of_the_registry_is_refused(self, store: RegistryStore) -> None:
        _fill(store)
        token = store.search_registered_models(RegistryQuery(max_results=1)).token
        assert token
        for query in (
            RegistryQuery(Compare(_tag("team"), "=", "red"), max_results=1, page_token=token),
            RegistryQuery(order_by=(OrderKey(_attribute("name")),), max_results=1, page_token=token),
            RegistryQuery(page_token="no token"),
            RegistryQuery(page_token="ä"),
        ):
            with pytest.raises(InvalidValue):
                store.search_registered_models(query)
        with pytest.raises(InvalidValue):
            store.search_model_versions(RegistryQuery(max_results=1, page_token=token))

    @pytest.mark.parametrize("max_results", [0, -1, MAX_REGISTRY_RESULTS + 1])
    def test_a_page_of_the_registry_is_neither_empty_nor_endless(self, store: RegistryStore, max_results: int) -> None:
        for search in (store.search_registered_models, store.search_model_versions):
            with pytest.raises(InvalidValue):
                search(RegistryQuery(max_results=max_results))
