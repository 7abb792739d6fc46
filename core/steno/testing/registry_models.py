"""The contract of a registry, part one: registered models, their tags and aliases."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import pytest

from steno.contracts.registry import RegistryStore
from steno.errors import AlreadyExists, InvalidValue, NotFound
from steno.queries import RegistryQuery


class RegistryTests(ABC):
    """How a suite gets its store."""

    @abstractmethod
    def make_store(self, folder: Path) -> RegistryStore:
        """Return a new, empty store; `folder` is an empty folder of its own."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[RegistryStore]:
        store = self.make_store(tmp_path)
        yield store
        store.close()


class RegisteredModelTests(RegistryTests):
    def test_a_new_registry_is_empty(self, store: RegistryStore) -> None:
        assert isinstance(store, RegistryStore)
        assert store.search_registered_models(RegistryQuery()) == []
        assert store.search_model_versions(RegistryQuery()) == []
        assert store.registry_events() == []

    def test_a_model_is_read_as_it_was_created(self, store: RegistryStore) -> None:
        made = store.create_registered_model("modèle π", tags={"team": "a", "note": ""}, description="first\nsecond")
        assert store.get_registered_model("modèle π") == made
        assert (made.name, made.description) == ("modèle π", "first\nsecond")
        assert made.tags == {"team": "a", "note": ""}
        assert (made.aliases, made.latest_versions) == ({}, [])
        assert made.creation_timestamp == made.last_updated_timestamp > 0

    def test_a_taken_name_is_refused_and_its_owner_left_alone(self, store: RegistryStore) -> None:
        made = store.create_registered_model("a", tags={"x": "1"})
        with pytest.raises(AlreadyExists, match="'a'"):
            store.create_registered_model("a", tags={"x": "2"}, description="other")
        assert store.get_registered_model("a") == made

    def test_names_are_told_apart_by_case(self, store: RegistryStore) -> None:
        for name in ("a", "A"):
            store.create_registered_model(name, description=name)
        assert store.get_registered_model("A").description == "A"

    def test_an_unknown_model_is_not_found_by_any_method(self, store: RegistryStore) -> None:
        for use in (
            lambda: store.get_registered_model("nobody"),
            lambda: store.rename_registered_model("nobody", "a"),
            lambda: store.describe_registered_model("nobody", "a"),
            lambda: store.delete_registered_model("nobody"),
            lambda: store.set_registered_model_tags("nobody", {"a": "b"}),
            lambda: store.delete_registered_model_tag("nobody", "a"),
            lambda: store.create_model_version("nobody", "s3://b/m"),
            lambda: store.get_model_version("nobody", "1"),
            lambda: store.get_model_version_by_alias("nobody", "champion"),
            lambda: store.get_latest_versions("nobody"),
            lambda: store.set_registered_model_alias("nobody", "champion", "1"),
            lambda: store.delete_registered_model_alias("nobody", "champion"),
        ):
            with pytest.raises(NotFound, match="'nobody'"):
                use()

    def test_a_description_is_set_and_cleared(self, store: RegistryStore) -> None:
        store.create_registered_model("a")
        assert store.describe_registered_model("a", "what it is for").description == "what it is for"
        assert store.get_registered_model("a").description == "what it is for"
        assert store.describe_registered_model("a", "").description == ""

    def test_model_tags_are_set_replaced_and_removed(self, store: RegistryStore) -> None:
        store.create_registered_model("a", tags={"x": "1"})
        store.set_registered_model_tags("a", {"x": "2", "y": "é"})
        assert store.get_registered_model("a").tags == {"x": "2", "y": "é"}
        store.delete_registered_model_tag("a", "y")
        store.delete_registered_model_tag("a", "y")  # again is no error
        assert store.get_registered_model("a").tags == {"x": "2"}

    def test_a_model_is_renamed_with_all_it_has(self, store: RegistryStore) -> None:
        store.create_registered_model("old", tags={"x": "1"}, description="kept")
        store.create_model_version("old", "s3://b/m", tags={"y": "2"})
        store.set_registered_model_alias("old", "champion", "1")
        renamed = store.rename_registered_model("old", "new")
        assert store.get_registered_model("new") == renamed
        assert (renamed.name, renamed.description, renamed.tags) == ("new", "kept", {"x": "1"})
        assert renamed.aliases == {"champion": "1"}
        version = store.get_model_version("new", "1")
        assert (version.name, version.tags, version.aliases) == ("new", {"y": "2"}, ["champion"])
        assert renamed.latest_versions == [version]
        with pytest.raises(NotFound):
            store.get_registered_model("old")
        assert store.create_model_version("new", "s3://b/n").version == "2"

    def test_a_model_cannot_take_the_name_of_another(self, store: RegistryStore) -> None:
        for name in ("a", "b"):
            store.create_registered_model(name, description=name)
        with pytest.raises(AlreadyExists, match="'b'"):
            store.rename_registered_model("a", "b")
        assert [store.get_registered_model(name).description for name in "ab"] == ["a", "b"]
        assert store.rename_registered_model("a", "a") == store.get_registered_model("a")

    def test_a_deleted_model_is_gone_with_its_versions_and_its_name_is_free(self, store: RegistryStore) -> None:
        store.create_registered_model("a", tags={"x": "1"})
        for source in ("s3://b/1", "s3://b/2"):
            store.create_model_version("a", source, tags={"y": "1"})
        store.set_registered_model_alias("a", "champion", "2")
        store.create_registered_model("b")
        store.create_model_version("b", "s3://b/3")
        store.delete_registered_model("a")
        with pytest.raises(NotFound):
            store.get_registered_model("a")
        with pytest.raises(NotFound):
            store.get_model_version("a", "1")
        assert [each.name for each in store.search_model_versions(RegistryQuery())] == ["b"]
        again = store.create_registered_model("a")
        assert (again.tags, again.aliases, again.latest_versions) == ({}, {}, [])
        version = store.create_model_version("a", "s3://b/4")
        assert (version.version, version.tags, version.aliases) == ("1", {}, [])

    def test_an_alias_stands_for_one_version_and_moves(self, store: RegistryStore) -> None:
        store.create_registered_model("a")
        for number in "12":
            store.create_model_version("a", f"s3://b/{number}")
        store.set_registered_model_alias("a", "champion", "1")
        store.set_registered_model_alias("a", "Champion", "1")  # another one
        store.set_registered_model_alias("a", "champion", "2")
        assert store.get_model_version_by_alias("a", "champion") == store.get_model_version("a", "2")
        assert store.get_registered_model("a").aliases == {"champion": "2", "Champion": "1"}
        assert [store.get_model_version("a", number).aliases for number in "12"] == [["Champion"], ["champion"]]

    def test_a_version_has_many_aliases_and_each_model_its_own(self, store: RegistryStore) -> None:
        for name in ("a", "b"):
            store.create_registered_model(name)
            store.create_model_version(name, f"s3://b/{name}")
            store.set_registered_model_alias(name, "champion", "1")
        store.set_registered_model_alias("a", "best", "1")
        assert store.get_model_version("a", "1").aliases == ["best", "champion"]
        assert store.get_model_version_by_alias("b", "champion").source == "s3://b/b"
        store.delete_registered_model_alias("a", "champion")
        assert store.get_registered_model("a").aliases == {"best": "1"}
        assert store.get_registered_model("b").aliases == {"champion": "1"}

    def test_an_alias_that_is_not_there_is_said_to_be_invalid_and_removed_without_error(
        self, store: RegistryStore
    ) -> None:
        store.create_registered_model("a")
        store.create_model_version("a", "s3://b/m")
        store.set_registered_model_alias("a", "champion", "1")
        with pytest.raises(InvalidValue, match="'challenger'"):
            store.get_model_version_by_alias("a", "challenger")
        store.delete_registered_model_alias("a", "challenger")
        with pytest.raises(NotFound):
            store.set_registered_model_alias("a", "champion", "2")
        assert store.get_registered_model("a").aliases == {"champion": "1"}

    def test_a_closed_registry_can_be_used_again(self, store: RegistryStore) -> None:
        made = store.create_registered_model("a", tags={"x": "1"})
        store.close()
        assert store.get_registered_model("a") == made
        assert len(store.registry_events()) == 2
