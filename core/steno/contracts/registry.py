"""The registry: names for models, with versions, stages, aliases, and a trail of every change.

Synchronous and thread-safe, as all stores (`steno.contracts.stores`), with their errors beside those named here. What
comes in is valid already: `steno.registry` judges names and sources. `steno.testing.registry` has the suite.
Every write takes `user`, who it is that asks, and leaves one `RegistryEvent` for each thing it changes, in the same
transaction; what changes nothing leaves none. What comes along with a model or version leaves events too, in an order
in which they can be played back: after that of the creation those of its description and tags, before that of the
deletion those of a model's versions, and of the aliases that stood for them. A change stamps the version it is of, and
in any case the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from steno.model_records import ModelVersion, RegisteredModel, RegistryEvent
from steno.queries import RegistryQuery
from steno.records import Page


@runtime_checkable
class RegistryStore(Protocol):
    """Registered models and their versions."""

    uri: str

    # -- registered models -----------------------------------------------------------------------------------

    def create_registered_model(
        self, name: str, *, tags: Mapping[str, str] | None = None, description: str = "", user: str = ""
    ) -> RegisteredModel:
        """Create a model without versions. Raises: AlreadyExists."""
        ...

    def get_registered_model(self, name: str) -> RegisteredModel:
        """Return a model. Raises: NotFound."""
        ...

    def search_registered_models(self, query: RegistryQuery) -> Page[RegisteredModel]:
        """Return one page; without `order_by` by name. Raises: InvalidValue for a page token of another query."""
        ...

    def rename_registered_model(self, name: str, new_name: str, *, user: str = "") -> RegisteredModel:
        """Rename, with versions, tags and aliases; to its own name changes nothing. Raises: NotFound, AlreadyExists."""
        ...

    def describe_registered_model(self, name: str, description: str, *, user: str = "") -> RegisteredModel:
        """Set the description; an empty one clears it. Raises: NotFound."""
        ...

    def delete_registered_model(self, name: str, *, user: str = "") -> None:
        """Remove a model and its versions for good; one made again under the name begins at 1. Raises: NotFound."""
        ...

    def set_registered_model_tags(self, name: str, tags: Mapping[str, str], *, user: str = "") -> None:
        """Set tags. Raises: NotFound."""
        ...

    def delete_registered_model_tag(self, name: str, key: str, *, user: str = "") -> None:
        """Remove a tag; one that is not there is no error. Raises: NotFound for the model."""
        ...

    # -- versions --------------------------------------------------------------------------------------------

    def create_model_version(
        self,
        name: str,
        source: str,
        *,
        location: str = "",
        run_id: str = "",
        model_id: str = "",
        tags: Mapping[str, str] | None = None,
        run_link: str = "",
        description: str = "",
        user: str = "",
    ) -> ModelVersion:
        """Create the next version, READY. Numbers begin at 1 and are never used again. Raises: NotFound (the model)."""
        ...

    def get_model_version(self, name: str, version: str) -> ModelVersion:
        """Return a version. Raises: NotFound."""
        ...

    def get_model_version_by_alias(self, name: str, alias: str) -> ModelVersion:
        """Return the version that an alias stands for. Raises: NotFound for the model, InvalidValue for the alias."""
        ...

    def search_model_versions(self, query: RegistryQuery) -> Page[ModelVersion]:
        """Return one page; without `order_by` the last changed come first, then by name, then the highest version."""
        ...

    def get_latest_versions(self, name: str, stages: Sequence[str] | None = None) -> list[ModelVersion]:
        """Return the highest version of each stage named, or of every stage, in the stages' order. Raises: NotFound."""
        ...

    def describe_model_version(self, name: str, version: str, description: str, *, user: str = "") -> ModelVersion:
        """Set the description; an empty one clears it. Raises: NotFound."""
        ...

    def delete_model_version(self, name: str, version: str, *, user: str = "") -> None:
        """Remove a version and the aliases that stand for it. Raises: NotFound."""
        ...

    def set_model_version_tags(self, name: str, version: str, tags: Mapping[str, str], *, user: str = "") -> None:
        """Set tags. Raises: NotFound."""
        ...

    def delete_model_version_tag(self, name: str, version: str, key: str, *, user: str = "") -> None:
        """Remove a tag; one that is not there is no error. Raises: NotFound for the version."""
        ...

    def transition_model_version_stage(
        self, name: str, version: str, stage: str, *, archive_existing_versions: bool = False, user: str = ""
    ) -> ModelVersion:
        """Move a version to a stage, and with it, if asked, all others that are there to Archived. Raises: NotFound."""
        ...

    # -- aliases ---------------------------------------------------------------------------------------------

    def set_registered_model_alias(self, name: str, alias: str, version: str, *, user: str = "") -> None:
        """Let an alias stand for a version, and no longer for another. Raises: NotFound."""
        ...

    def delete_registered_model_alias(self, name: str, alias: str, *, user: str = "") -> None:
        """Remove an alias; one that is not there is no error. Raises: NotFound for the model."""
        ...

    # -- the trail -------------------------------------------------------------------------------------------

    def registry_events(
        self, name: str | None = None, *, until_ms: int | None = None, after: int = 0, limit: int = 1000
    ) -> list[RegistryEvent]:
        """Return what changed, oldest first. Raises: InvalidValue for a limit below 0.

        Args:
            name: Only of each model that has, or had, this name; its events under earlier and later names too.
            until_ms: Only up to then, inclusive.
            after: Only events with a higher number: the next page begins after the last one's.
            limit: At most so many.
        """
        ...

    def close(self) -> None:
        """Release connections; the store may be used again afterwards."""
        ...
