"""The contract of a registry, part four: the trail of who changed what when."""

from __future__ import annotations

import time

import pytest

from steno.contracts.registry import RegistryStore
from steno.errors import AlreadyExists, InvalidValue, NotFound
from steno.model_records import Change, RegistryEvent
from steno.testing.registry_models import RegistryTests
from steno.testing.registry_versions import with_versions

Told = tuple[str, str, str, str | None, str | None]


def told(events: list[RegistryEvent]) -> list[Told]:
    """Return what events tell of: change, version, key, before, after."""
    return [(event.change, event.version, event.key, event.before, event.after) for event in events]


def since(store: RegistryStore, number: int) -> list[Told]:
    """Return what was told after an event."""
    return told(store.registry_events(after=number))


def last(store: RegistryStore) -> int:
    """Return the number of the last event there is."""
    return max((event.number for event in store.registry_events()), default=0)


class TrailTests(RegistryTests):
    def test_what_comes_along_with_a_creation_is_told(self, store: RegistryStore) -> None:
        store.create_registered_model("a", tags={"x": "1", "y": ""}, description="what")
        assert told(store.registry_events()) == [
            (Change.MODEL_CREATED, "", "", None, "a"),
            (Change.MODEL_DESCRIBED, "", "", None, "what"),
            (Change.MODEL_TAG, "", "x", None, "1"),
            (Change.MODEL_TAG, "", "y", None, ""),
        ]
        number = last(store)
        store.create_model_version("a", "s3://b/m", tags={"x": "1"}, description="good")
        assert since(store, number) == [
            (Change.VERSION_CREATED, "1", "", None, "s3://b/m"),
            (Change.VERSION_DESCRIBED, "1", "", None, "good"),
            (Change.VERSION_TAG, "1", "x", None, "1"),
        ]

    def test_every_change_of_a_model_is_told(self, store: RegistryStore) -> None:
        store.create_registered_model("a", tags={"x": "1"})
        number = last(store)
        store.set_registered_model_tags("a", {"x": "2", "y": "3"})
        store.delete_registered_model_tag("a", "y")
        store.describe_registered_model("a", "what")
        store.describe_registered_model("a", "")
        store.rename_registered_model("a", "b")
        store.delete_registered_model("b")
        assert since(store, number) == [
            (Change.MODEL_TAG, "", "x", "1", "2"),
            (Change.MODEL_TAG, "", "y", None, "3"),
            (Change.MODEL_TAG, "", "y", "3", None),
            (Change.MODEL_DESCRIBED, "", "", None, "what"),
            (Change.MODEL_DESCRIBED, "", "", "what", None),
            (Change.MODEL_RENAMED, "", "", "a", "b"),
            (Change.MODEL_DELETED, "", "", "b", None),
        ]
        assert [event.name for event in store.registry_events(after=number)] == ["a"] * 6 + ["b"]

    def test_every_change_of_a_version_is_told(self, store: RegistryStore) -> None:
        with_versions(store, "a", 2)
        number = last(store)
        store.set_model_version_tags("a", "2", {"x": "1"})
        store.delete_model_version_tag("a", "2", "x")
        store.describe_model_version("a", "2", "good")
        store.set_registered_model_alias("a", "champion", "1")
        store.set_registered_model_alias("a", "champion", "2")
        store.delete_registered_model_alias("a", "champion")
        store.transition_model_version_stage("a", "2", "Staging")
        store.delete_model_version("a", "2")
        assert since(store, number) == [
            (Change.VERSION_TAG, "2", "x", None, "1"),
            (Change.VERSION_TAG, "2", "x", "1", None),
            (Change.VERSION_DESCRIBED, "2", "", None, "good"),
            (Change.ALIAS, "1", "champion", None, "1"),
            (Change.ALIAS, "2", "champion", "1", "2"),
            (Change.ALIAS, "", "champion", "2", None),
            (Change.STAGE, "2", "", "None", "Staging"),
            (Change.VERSION_DELETED, "2", "", "s3://bucket/a/2", None),
        ]

    def test_every_version_that_is_archived_on_the_way_is_told_before(self, store: RegistryStore) -> None:
        with_versions(store, "a", 3)
        for version in "12":
            store.transition_model_version_stage("a", version, "Production")
        number = last(store)
        store.transition_model_version_stage("a", "3", "Production", archive_existing_versions=True)
        assert since(store, number) == [
            (Change.STAGE, "1", "", "Production", "Archived"),
            (Change.STAGE, "2", "", "Production", "Archived"),
            (Change.STAGE, "3", "", "None", "Production"),
        ]

    def test_what_goes_along_with_a_deletion_is_told_before(self, store: RegistryStore) -> None:
        with_versions(store, "a", 2)
        for alias in ("best", "champion"):
            store.set_registered_model_alias("a", alias, "2")
        number = last(store)
        store.delete_registered_model("a")
        assert since(store, number) == [
            (Change.VERSION_DELETED, "1", "", "s3://bucket/a/1", None),
            (Change.ALIAS, "", "best", "2", None),
            (Change.ALIAS, "", "champion", "2", None),
            (Change.VERSION_DELETED, "2", "", "s3://bucket/a/2", None),
            (Change.MODEL_DELETED, "", "", "a", None),
        ]

    def test_what_changes_nothing_leaves_no_event_and_no_later_time(self, store: RegistryStore) -> None:
        store.create_registered_model("a", tags={"x": "1"}, description="what")
        store.create_model_version("a", "s3://b/m", tags={"x": "1"}, description="good")
        store.set_registered_model_alias("a", "champion", "1")
        store.transition_model_version_stage("a", "1", "Staging")
        number, before = last(store), (store.get_registered_model("a"), store.get_model_version("a", "1"))
        time.sleep(0.002)
        store.set_registered_model_tags("a", {"x": "1"})
        store.set_registered_model_tags("a", {})
        store.delete_registered_model_tag("a", "y")
        store.describe_registered_model("a", "what")
        store.rename_registered_model("a", "a")
        store.set_model_version_tags("a", "1", {"x": "1"})
        store.delete_model_version_tag("a", "1", "y")
        store.describe_model_version("a", "1", "good")
        store.set_registered_model_alias("a", "champion", "1")
        store.delete_registered_model_alias("a", "challenger")
        store.transition_model_version_stage("a", "1", "Staging", archive_existing_versions=True)
        assert since(store, number) == []
        assert (store.get_registered_model("a"), store.get_model_version("a", "1")) == before

    def test_what_is_refused_leaves_no_event(self, store: RegistryStore) -> None:
        for name in ("a", "b"):
            with_versions(store, name, 1)
        number = last(store)
        with pytest.raises(AlreadyExists):
            store.create_registered_model("a", tags={"x": "1"})
        with pytest.raises(AlreadyExists):
            store.rename_registered_model("a", "b")
        with pytest.raises(NotFound):
            store.set_registered_model_alias("a", "champion", "2")
        with pytest.raises(NotFound):
            store.create_model_version("c", "s3://b/m")
        assert since(store, number) == []

    def test_who_asked_and_when_are_told_and_what_changed_is_stamped(self, store: RegistryStore) -> None:
        begin = time.time_ns() // 1_000_000
        store.create_registered_model("a", user="ada")
        made = store.create_model_version("a", "s3://b/m", user="bob")
        time.sleep(0.002)
        store.transition_model_version_stage("a", "1", "Production", user="carol")
        store.set_registered_model_tags("a", {"x": "1"})
        events = store.registry_events()
        assert [event.user for event in events] == ["ada", "bob", "carol", ""]
        times = [event.time_ms for event in events]
        assert times == sorted(times)
        assert begin <= times[0] <= times[-1] <= time.time_ns() // 1_000_000
        version = store.get_model_version("a", "1")
        assert version.creation_timestamp == made.creation_timestamp == times[1]
        assert version.last_updated_timestamp == times[2]
        assert store.get_registered_model("a").last_updated_timestamp == times[3]

    def test_a_change_of_a_version_or_alias_stamps_its_model(self, store: RegistryStore) -> None:
        with_versions(store, "a", 1)
        for change in (
            lambda: store.describe_model_version("a", "1", "good"),
            lambda: store.set_registered_model_alias("a", "champion", "1"),
            lambda: store.delete_model_version("a", "1"),
        ):
            before = store.get_registered_model("a").last_updated_timestamp
            time.sleep(0.002)
            change()
            assert store.get_registered_model("a").last_updated_timestamp > before

    def test_a_trail_follows_a_model_through_its_names_and_outlives_it(self, store: RegistryStore) -> None:
        with_versions(store, "first", 1)
        with_versions(store, "other", 1)
        store.rename_registered_model("first", "second")
        store.rename_registered_model("second", "third")
        mine = [event for event in store.registry_events() if event.name != "other"]
        for name in ("first", "second", "third"):
            assert store.registry_events(name) == mine
        store.delete_registered_model("third")
        mine = [event for event in store.registry_events() if event.name != "other"]
        assert mine[-1].change == Change.MODEL_DELETED
        assert store.registry_events("first") == mine
        assert store.registry_events("nobody") == []

    def test_a_name_used_again_has_the_trail_of_each_model_that_had_it(self, store: RegistryStore) -> None:
        store.create_registered_model("a")
        store.delete_registered_model("a")
        store.create_registered_model("a")
        store.rename_registered_model("a", "b")
        assert told(store.registry_events("a")) == [
            (Change.MODEL_CREATED, "", "", None, "a"),
            (Change.MODEL_DELETED, "", "", "a", None),
            (Change.MODEL_CREATED, "", "", None, "a"),
            (Change.MODEL_RENAMED, "", "", "a", "b"),
        ]
        assert len(store.registry_events("b")) == 2

    def test_a_trail_is_read_in_pages_and_up_to_a_time(self, store: RegistryStore) -> None:
        with_versions(store, "a", 3)
        time.sleep(0.002)
        store.create_registered_model("b")
        whole = store.registry_events()
        numbers = [event.number for event in whole]
        assert numbers == sorted(set(numbers))
        read: list[RegistryEvent] = []
        while page := store.registry_events(after=read[-1].number if read else 0, limit=2):
            assert len(page) <= 2
            read += page
        assert read == whole
        assert store.registry_events(limit=0) == []
        assert store.registry_events("a", after=numbers[1], limit=1) == [whole[2]]
        assert store.registry_events(until_ms=whole[3].time_ms) == whole[:4]
        assert store.registry_events(until_ms=whole[0].time_ms - 1) == []
        assert store.registry_events("b", until_ms=whole[3].time_ms) == []
        with pytest.raises(InvalidValue):
            store.registry_events(limit=-1)
