"""The registry over a SQL database: each method one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from steno.model_records import ModelVersion, RegisteredModel, RegistryEvent
from steno.queries import MAX_REGISTRY_RESULTS, RegistryQuery
from steno.records import Page

from steno_sql.database import Database
from steno_sql.paging import next_token, place_of
from steno_sql.registry import models, trail, versions
from steno_sql.registry.query import models_matching, versions_matching
from steno_sql.registry.tables import model_versions, registered_models
from steno_sql.registry.trail import Trail


class SqlRegistry:
    """A `steno.contracts.registry.RegistryStore` in a SQL database; see there for what each method promises.

    The database may be that of a `steno_sql.store.SqlStore`, and is by default. Safe for threads, for many processes at
    once, and for fork. Nothing is opened before the first call.

    Args:
        uri: As for a `SqlStore`.

    Raises:
        InvalidValue: The URI names no database.
        MissingDependency: It is PostgreSQL's, and psycopg is not installed.
    """

    def __init__(self, uri: str) -> None:
        self._database = Database(uri, "registry")
        self.uri = self._database.backend.uri

    @contextmanager
    def _changing(self, user: str) -> Iterator[Trail]:
        with self._database.writing() as connection:
            changes = Trail(connection, user)
            yield changes
            changes.store()

    def create_registered_model(
        self, name: str, *, tags: Mapping[str, str] | None = None, description: str = "", user: str = ""
    ) -> RegisteredModel:
        with self._changing(user) as changes:
            models.create(changes, name, tags, description)
            return models.get(changes.told(), name)

    def get_registered_model(self, name: str) -> RegisteredModel:
        with self._database.reading() as connection:
            return models.get(connection, name)

    def search_registered_models(self, query: RegistryQuery) -> Page[RegisteredModel]:
        place = place_of(query, most=MAX_REGISTRY_RESULTS, of="registered models")
        with self._database.reading() as connection:
            rows = connection.execute(models_matching(query, place)).all()
            found = models.load(connection, rows[: query.max_results])
            return Page(found, next_token(connection, place, rows, query, registered_models.c.id))

    def rename_registered_model(self, name: str, new_name: str, *, user: str = "") -> RegisteredModel:
        with self._changing(user) as changes:
            models.rename(changes, name, new_name)
            return models.get(changes.told(), new_name)

    def describe_registered_model(self, name: str, description: str, *, user: str = "") -> RegisteredModel:
        with self._changing(user) as changes:
            models.describe(changes, name, description)
            return models.get(changes.told(), name)

    def delete_registered_model(self, name: str, *, user: str = "") -> None:
        with self._changing(user) as changes:
            models.delete_whole(changes, name)

    def set_registered_model_tags(self, name: str, tags: Mapping[str, str], *, user: str = "") -> None:
        with self._changing(user) as changes:
            models.set_tags(changes, name, tags)

    def delete_registered_model_tag(self, name: str, key: str, *, user: str = "") -> None:
        with self._changing(user) as changes:
            models.delete_tag(changes, name, key)

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
        told = {"location": location, "run_id": run_id, "model_id": model_id, "run_link": run_link}
        with self._changing(user) as changes:
            model = models.find(changes.connection, name)
            return versions.create(changes, model, source, tags=tags or {}, description=description, **told)

    def get_model_version(self, name: str, version: str) -> ModelVersion:
        with self._database.reading() as connection:
            return versions.get(connection, name, version)

    def get_model_version_by_alias(self, name: str, alias: str) -> ModelVersion:
        with self._database.reading() as connection:
            return versions.get_by_alias(connection, models.find(connection, name), alias)

    def search_model_versions(self, query: RegistryQuery) -> Page[ModelVersion]:
        place = place_of(query, most=MAX_REGISTRY_RESULTS, of="model versions")
        with self._database.reading() as connection:
            rows = connection.execute(versions_matching(query, place)).all()
            found = versions.load(connection, rows[: query.max_results])
            return Page(found, next_token(connection, place, rows, query, model_versions.c.id))

    def get_latest_versions(self, name: str, stages: Sequence[str] | None = None) -> list[ModelVersion]:
        with self._database.reading() as connection:
            model = models.find(connection, name)
            found = versions.latest(connection, [model.id])[model.id]
            return [each for each in found if not stages or each.current_stage in stages]

    def describe_model_version(self, name: str, version: str, description: str, *, user: str = "") -> ModelVersion:
        with self._changing(user) as changes:
            versions.describe(changes, versions.find(changes.connection, name, version), description)
            return versions.get(changes.told(), name, version)

    def delete_model_version(self, name: str, version: str, *, user: str = "") -> None:
        with self._changing(user) as changes:
            versions.remove(changes, [versions.find(changes.connection, name, version)])

    def set_model_version_tags(self, name: str, version: str, tags: Mapping[str, str], *, user: str = "") -> None:
        with self._changing(user) as changes:
            versions.set_tags(changes, versions.find(changes.connection, name, version), tags)

    def delete_model_version_tag(self, name: str, version: str, key: str, *, user: str = "") -> None:
        with self._changing(user) as changes:
            versions.delete_tag(changes, versions.find(changes.connection, name, version), key)

    def transition_model_version_stage(
        self, name: str, version: str, stage: str, *, archive_existing_versions: bool = False, user: str = ""
    ) -> ModelVersion:
        with self._changing(user) as changes:
            moved = versions.find(changes.connection, name, version)
            versions.move(changes, moved, stage, alone=archive_existing_versions)
            return versions.get(changes.told(), name, version)

    def set_registered_model_alias(self, name: str, alias: str, version: str, *, user: str = "") -> None:
        with self._changing(user) as changes:
            models.set_alias(changes, name, alias, version)

    def delete_registered_model_alias(self, name: str, alias: str, *, user: str = "") -> None:
        with self._changing(user) as changes:
            models.delete_alias(changes, name, alias)

    def registry_events(
        self, name: str | None = None, *, until_ms: int | None = None, after: int = 0, limit: int = 1000
    ) -> list[RegistryEvent]:
        with self._database.reading() as connection:
            return trail.events(connection, name, until_ms=until_ms, after=after, limit=limit)

    def close(self) -> None:
        self._database.close()
