"""Versions of registered models: registered from a run or a folder, moved through stages, copied, found again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from msgspec import Struct

from steno.errors import AlreadyExists, InvalidValue, NotFound, RunStateError
from steno.model_records import LoggedModel, ModelVersion, Stage
from steno.queries import Compare, Entity, Field, RegistryQuery
from steno.records import Page, Run
from steno.registry import ModelUri, find_version, highest_version, parse_model_uri, rules
from steno.tracking import limits, model_sources, places
from steno.tracking.registered_models import RegisteredModelMethods, user
from steno.tracking.search import parse_model_versions
from steno.tracking.version_changes import all_versions, tell, telling

MOST_VERSIONS = 200_000
DEFAULT_VERSIONS = 10_000
_VERSIONS = "mlflow.modelVersions"


class _Told(Struct, frozen=True):
    """What the user says of a version, checked."""

    tags: dict[str, str]
    description: str
    run_link: str = ""

    @classmethod
    def of(cls, tags: Mapping[str, Any] | None, description: str | None, run_link: str | None = None) -> _Told:
        return cls(limits.registry_tags(tags or {}), rules.description(description), run_link or "")


class ModelVersionMethods(RegisteredModelMethods):
    """The part of a client that deals in versions of registered models.

    Every method that names a version raises NotFound if there is none, and InvalidValue for what cannot be one.
    """

    def register_model(
        self, model_uri: str, name: str, *, tags: Mapping[str, Any] | None = None, description: str | None = None
    ) -> ModelVersion:
        """Make a logged model the next version of a registered one, which is created if it is missing.

        Args:
            model_uri: `runs:/<run id>/<path>`, a folder, an artifact URI, or a URI of a model or version.
            name: The registered model's name.
            tags, description: Of the version.

        Raises:
            NotFound: There is no model at the URI.
            InvalidValue: The name or URI is not allowed.
        """
        chosen, told = rules.model_name(name), _Told.of(tags, description)
        return self._register(chosen, model_sources.find(self._here, str(model_uri)), told)

    def register_logged(self, name: str, model: LoggedModel) -> ModelVersion:
        """Do what `register_model` does with a model that was just logged, without looking for it."""
        where = model.artifact_location
        source = model_sources.Source(model.model_uri, where, model.source_run_id or "", model.model_id)
        return self._register(rules.model_name(name), source, _Told.of(None, None))

    def create_model_version(
        self,
        name: str,
        source: str,
        run_id: str | None = None,
        tags: Mapping[str, Any] | None = None,
        run_link: str | None = None,
        description: str | None = None,
        await_creation_for: int | None = 300,
        model_id: str | None = None,
    ) -> ModelVersion:
        """Create the next version of a registered model; whether there is a model at the source is not looked at.

        Args:
            name: The registered model's name.
            source: A folder, an artifact URI, `runs:/<run id>/<path>` of that run, `models:/<model id>` of that
                model, or `models:/<name>/<version>`, of which it becomes a copy.
            run_id, model_id: What made it.
            tags, description: Of the version.
            run_link: Where people can look at the run.
            await_creation_for: Accepted as MLflow's users give it; versions are ready at once.

        Raises:
            InvalidValue: The source is not allowed, or contradicts run_id or model_id; or there is no such run.
        """
        chosen, told = rules.model_name(name), _Told.of(tags, description, run_link)
        return self._create(chosen, model_sources.check(self._here, source, run_id or "", model_id or ""), told)

    def copy_model_version(self, src_model_uri: str, dst_name: str) -> ModelVersion:
        """Make a version, told by its `models:/` URI, the next one of another model, which is created if it is missing.

        Tags, aliases and stage stay behind; the run and the description come along. The copy outlives the original.
        """
        uri = parse_model_uri(src_model_uri)
        original = find_version(self.registry, uri)
        return self.register_model(
            f"models:/{original.name}/{original.version}", dst_name, description=original.description
        )

    def get_model_version(self, name: str, version: str | int) -> ModelVersion:
        """Return a version."""
        return self.registry.get_model_version(rules.model_name(name), rules.version(version))

    def get_model_version_by_alias(self, name: str, alias: str) -> ModelVersion:
        """Return the version that an alias stands for; "latest" is the highest. Raises: InvalidValue for the alias."""
        model = rules.model_name(name)
        if isinstance(alias, str) and alias.casefold() == rules.LATEST:
            return highest_version(self.registry, model)
        return self.registry.get_model_version_by_alias(model, rules.alias(alias))

    def get_model_version_by_uri(self, model_uri: str) -> ModelVersion:
        """Return the version that a `models:/` URI stands for now."""
        return find_version(self.registry, parse_model_uri(model_uri))

    def get_model_version_download_uri(self, name: str, version: str | int) -> str:
        """Return where the files of a version are."""
        return model_sources.files_of(self._here, self.get_model_version(name, version))

    def model_files(self, model_uri: str | ModelUri) -> str:
        """Return the artifact URI of what a `models:/` URI stands for now. Raises: NotFound, InvalidValue."""
        return model_sources.files(self._here, parse_model_uri(model_uri) if isinstance(model_uri, str) else model_uri)

    def get_model_version_stages(self, name: str, version: str | int) -> list[str]:
        """Return the stages there are."""
        self.get_model_version(name, version)
        return [stage.value for stage in Stage]

    def get_latest_versions(self, name: str, stages: Sequence[str] | None = None) -> list[ModelVersion]:
        """Return the highest version of each stage, or of those named."""
        if isinstance(stages, str):
            raise InvalidValue(f"stages is a list: [{stages!r}]")
        chosen = [rules.stage(stage) for stage in stages] if stages else None
        return self.registry.get_latest_versions(rules.model_name(name), chosen)

    def search_model_versions(
        self,
        filter_string: str | None = None,
        max_results: int = DEFAULT_VERSIONS,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> Page[ModelVersion]:
        """Return one page of versions, the last changed first by default. Raises: FilterError, InvalidValue."""
        where, order = parse_model_versions(filter_string, order_by or ())
        size = limits.page_size(max_results, MOST_VERSIONS)
        return self.registry.search_model_versions(RegistryQuery(where, order, size, page_token))

    def update_model_version(self, name: str, version: str | int, description: str | None = None) -> ModelVersion:
        """Set a version's description. Raises: InvalidValue where none is given."""
        if description is None:
            raise InvalidValue("update_model_version needs a description; an empty text clears it")
        model, number, text = rules.model_name(name), rules.version(version), rules.description(description)
        with telling(self.registry, model, [number]) as registry:
            return registry.describe_model_version(model, number, text, user=user())

    def delete_model_version(self, name: str, version: str | int) -> None:
        """Remove a version and its aliases; its number is not used again, and its files stay where they are."""
        model, number = rules.model_name(name), rules.version(version)
        with telling(self.registry, model, [number]) as registry:
            registry.delete_model_version(model, number, user=user())

    def set_model_version_tag(
        self,
        name: str,
        version: str | int | None = None,
        key: str | None = None,
        value: Any = None,
        stage: str | None = None,
    ) -> None:
        """Set a tag on a version, or on the highest one of a stage."""
        model, tags = rules.model_name(name), limits.registry_tags({key: value})  # type: ignore[dict-item]  # judged
        number = self._number(model, version, stage)
        with telling(self.registry, model, [number]) as registry:
            registry.set_model_version_tags(model, number, tags, user=user())

    def delete_model_version_tag(
        self, name: str, version: str | int | None = None, key: str | None = None, stage: str | None = None
    ) -> None:
        """Remove a tag from a version, or from the highest one of a stage; one that is not there is no error."""
        model, chosen = rules.model_name(name), limits.check_key("tag", key)
        number = self._number(model, version, stage)
        with telling(self.registry, model, [number]) as registry:
            registry.delete_model_version_tag(model, number, chosen, user=user())

    def transition_model_version_stage(
        self, name: str, version: str | int, stage: str, archive_existing_versions: bool = False
    ) -> ModelVersion:
        """Move a version to a stage, and with it, if asked, all others that are there to Archived."""
        model, number, chosen = rules.model_name(name), rules.version(version), rules.stage(stage)
        if archive_existing_versions and chosen not in (Stage.STAGING, Stage.PRODUCTION):
            raise InvalidValue(f"archive_existing_versions goes with Staging and Production, not with {chosen}")
        with telling(self.registry, model, None if archive_existing_versions else [number]) as registry:
            return registry.transition_model_version_stage(
                model, number, chosen, archive_existing_versions=bool(archive_existing_versions), user=user()
            )

    def get_model_version_run(self, name: str, version: str | int) -> Run | None:
        """Return the run that made a version, with its params, metrics and data; None if it is not known or gone."""
        found = self.get_model_version(name, version)
        try:
            return self._here.run(found.run_id) if found.run_id else None
        except NotFound:
            return None

    def list_model_versions_of_run(self, run_id: str) -> list[ModelVersion]:
        """Return every version that a run made, of whatever model."""
        where = Compare(Field(Entity.ATTRIBUTE, "run_id"), "=", limits.run_id(run_id))
        return list(self.registry.search_model_versions(RegistryQuery(where, max_results=MOST_VERSIONS)))

    def list_model_versions(self, name: str) -> list[ModelVersion]:
        """Return every version of a model, the highest first."""
        self.get_registered_model(name)
        return all_versions(self.registry, name)

    def _register(self, name: str, source: model_sources.Source, told: _Told) -> ModelVersion:
        try:
            return self._create(name, source, told)
        except NotFound:
            with suppress(AlreadyExists):  # another process was quicker
                self.registry.create_registered_model(name, user=user())
            return self._create(name, source, told)

    def _create(self, name: str, source: model_sources.Source, told: _Told) -> ModelVersion:
        made = self.registry.create_model_version(
            name,
            source.source,
            location=source.location,
            run_id=source.run_id,
            model_id=source.model_id,
            tags=told.tags,
            run_link=told.run_link,
            description=told.description,
            user=user(),
        )
        tell(None, made)
        if made.model_id:
            self._tell_model(made)
        return made

    def _tell_model(self, version: ModelVersion) -> None:
        """Add a version to those that its logged model says it became."""
        with suppress(NotFound, RunStateError, ValueError):  # none of this store's, deleted, or a stranger's text
            store = places.run_store(self.tracking_uri)
            told = json.loads(store.get_logged_model(version.model_id).tags.get(_VERSIONS, "[]"))
            told.append({"name": version.name, "version": int(version.version)})
            store.set_logged_model_tags(version.model_id, {_VERSIONS: json.dumps(told)})

    def _number(self, name: str, version: str | int | None, stage: str | None) -> str:
        if (version is None) == (stage is None):
            raise InvalidValue("give either version or stage")
        if version is not None:
            return rules.version(version)
        found = self.registry.get_latest_versions(name, [rules.stage(stage)])
        if not found:
            raise NotFound(f"registered model {name!r} has no version in stage {rules.stage(stage)}")
        return found[0].version

    @property
    def _here(self) -> model_sources.Here:
        return model_sources.Here(self.tracking_uri, self.registry_uri)
