"""The contract of a registry, part two: versions, their tags and stages."""

from __future__ import annotations

import threading

import pytest

from steno.contracts.registry import RegistryStore
from steno.errors import NotFound
from steno.model_records import ModelVersion, ModelVersionStatus, Stage
from steno.testing.registry_models import RegistryTests


def with_versions(store: RegistryStore, name: str, count: int) -> None:
    """Create a model with some versions."""
    store.create_registered_model(name)
    for number in range(1, count + 1):
        store.create_model_version(name, f"s3://bucket/{name}/{number}")


def stages(store: RegistryStore, name: str, count: int) -> list[str]:
    """Return the stage of each version of a model."""
    return [store.get_model_version(name, str(number)).current_stage for number in range(1, count + 1)]


class ModelVersionTests(RegistryTests):
    def test_a_version_is_read_as_it_was_created(self, store: RegistryStore) -> None:
        store.create_registered_model("a")
        made = store.create_model_version(
            "a",
            "models:/b/7",
            location="s3://bucket/m",
            run_id="r1",
            model_id="m-1",
            tags={"team": "a", "note": ""},
            run_link="https://host/run",
            description="première",
            user="ada",
        )
        assert store.get_model_version("a", "1") == made
        assert made == ModelVersion(
            "a", "1", "models:/b/7", "s3://bucket/m", "r1", "m-1",
            description="première",
            user_id="ada",
            run_link="https://host/run",
            tags={"team": "a", "note": ""},
            creation_timestamp=made.creation_timestamp,
            last_updated_timestamp=made.creation_timestamp,
        )  # fmt: skip
        assert (made.current_stage, made.status, made.aliases) == (Stage.NONE, ModelVersionStatus.READY, [])
        assert made.creation_timestamp > 0

    def test_a_version_needs_no_more_than_a_source(self, store: RegistryStore) -> None:
        store.create_registered_model("a")
        made = store.create_model_version("a", "s3://bucket/m")
        assert (made.source, made.location, made.run_id, made.model_id, made.description, made.run_link, made.tags) == (
            "s3://bucket/m", "", "", "", "", "", {},
        )  # fmt: skip

    def test_each_model_counts_its_versions_from_1(self, store: RegistryStore) -> None:
        for name in ("a", "b"):
            with_versions(store, name, 2)
        assert store.create_model_version("a", "s3://b/m").version == "3"
        assert store.create_model_version("b", "s3://b/m").version == "3"

    def test_the_number_of_a_deleted_version_is_not_used_again(self, store: RegistryStore) -> None:
        with_versions(store, "a", 2)
        store.delete_model_version("a", "2")
        assert store.create_model_version("a", "s3://b/m").version == "3"
        for number in "13":
            store.delete_model_version("a", number)
        assert store.create_model_version("a", "s3://b/m").version == "4"

    def test_versions_created_by_many_threads_at_once_have_numbers_of_their_own(self, store: RegistryStore) -> None:
        store.create_registered_model("a")
        made: list[str] = []

        def create() -> None:
            for _ in range(5):
                made.append(store.create_model_version("a", "s3://b/m", tags={"x": "1"}).version)

        threads = [threading.Thread(target=create) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(map(int, made)) == list(range(1, 21))
        numbers = [event.number for event in store.registry_events("a")]
        assert len(set(numbers)) == len(numbers) == 41

    @pytest.mark.parametrize("version", ["2", "0", "-1", "01", "1.0", "one", "", "9" * 40, "\u0661", "latest"])
    def test_an_unknown_version_is_not_found_by_any_method(self, store: RegistryStore, version: str) -> None:
        with_versions(store, "a", 1)
        for use in (
            lambda: store.get_model_version("a", version),
            lambda: store.describe_model_version("a", version, "x"),
            lambda: store.delete_model_version("a", version),
            lambda: store.set_model_version_tags("a", version, {"x": "1"}),
            lambda: store.delete_model_version_tag("a", version, "x"),
            lambda: store.transition_model_version_stage("a", version, Stage.STAGING),
            lambda: store.set_registered_model_alias("a", "champion", version),
        ):
            with pytest.raises(NotFound):
                use()

    def test_a_version_is_described_and_tagged(self, store: RegistryStore) -> None:
        with_versions(store, "a", 2)
        assert store.describe_model_version("a", "1", "good").description == "good"
        store.set_model_version_tags("a", "1", {"x": "1", "y": "1"})
        store.set_model_version_tags("a", "1", {"x": "2"})
        store.delete_model_version_tag("a", "1", "y")
        store.delete_model_version_tag("a", "1", "y")  # again is no error
        version = store.get_model_version("a", "1")
        assert (version.description, version.tags) == ("good", {"x": "2"})
        assert store.get_model_version("a", "2").tags == {}
        assert store.describe_model_version("a", "1", "").description == ""

    def test_a_deleted_version_is_gone_with_its_aliases(self, store: RegistryStore) -> None:
        with_versions(store, "a", 2)
        for alias, number in (("old", "1"), ("champion", "2"), ("best", "2")):
            store.set_registered_model_alias("a", alias, number)
        store.delete_model_version("a", "2")
        with pytest.raises(NotFound, match="'2'"):
            store.get_model_version("a", "2")
        model = store.get_registered_model("a")
        assert model.aliases == {"old": "1"}
        assert [each.version for each in model.latest_versions] == ["1"]

    def test_a_version_moves_through_the_stages(self, store: RegistryStore) -> None:
        with_versions(store, "a", 1)
        for stage in (Stage.STAGING, Stage.PRODUCTION, Stage.ARCHIVED, Stage.NONE):
            assert store.transition_model_version_stage("a", "1", stage).current_stage == stage
            assert store.get_model_version("a", "1").current_stage == stage.value

    def test_a_stage_may_hold_many_versions(self, store: RegistryStore) -> None:
        with_versions(store, "a", 2)
        for number in "12":
            store.transition_model_version_stage("a", number, Stage.PRODUCTION)
        assert stages(store, "a", 2) == ["Production", "Production"]

    def test_those_in_the_stage_are_archived_if_asked_and_no_others(self, store: RegistryStore) -> None:
        for name in ("a", "b"):
            with_versions(store, name, 4)
            for number, stage in (("1", "Production"), ("2", "Production"), ("3", "Staging")):
                store.transition_model_version_stage(name, number, stage)
        for _ in range(2):  # also the one that is there already stays
            store.transition_model_version_stage("a", "4", "Production", archive_existing_versions=True)
            assert stages(store, "a", 4) == ["Archived", "Archived", "Staging", "Production"]
        assert stages(store, "b", 4) == ["Production", "Production", "Staging", "None"]

    def test_the_latest_version_of_a_stage_is_the_highest(self, store: RegistryStore) -> None:
        with_versions(store, "a", 11)
        for number, stage in (("10", "Staging"), ("9", "Staging"), ("2", "Production"), ("1", "Production")):
            store.transition_model_version_stage("a", number, stage)
        latest = store.get_latest_versions("a")
        assert [(each.current_stage, each.version) for each in latest] == [
            ("None", "11"), ("Staging", "10"), ("Production", "2"),
        ]  # fmt: skip
        assert store.get_registered_model("a").latest_versions == latest
        assert latest[0] == store.get_model_version("a", "11")
        assert [each.version for each in store.get_latest_versions("a", ["Production", "None"])] == ["11", "2"]
        assert store.get_latest_versions("a", ["Archived"]) == []
        assert store.get_latest_versions("a", []) == latest
        store.delete_model_version("a", "10")
        assert [each.version for each in store.get_latest_versions("a", ["Staging"])] == ["9"]
