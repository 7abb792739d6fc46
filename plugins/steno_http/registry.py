"""Registered models on a server, by way of MLflow's wire."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from msgspec.structs import replace
from steno.errors import AlreadyExists, InvalidValue, NotFound, StoreError
from steno.model_records import ModelVersion, RegisteredModel, RegistryEvent, Stage
from steno.queries import MAX_REGISTRY_RESULTS, RegistryQuery
from steno.records import Page
from steno.wire import calls, entities, inward, outward
from steno.wire import model_messages as m

from steno_http import address
from steno_http.lineage import Lineage
from steno_http.queries import Place, filter_text, order_texts, page_size
from steno_http.server import server_at

_MODELS_AT_ONCE = 1000
_VERSION = re.compile(r"[1-9][0-9]{0,17}")
_ARCHIVING = (Stage.STAGING, Stage.PRODUCTION)


class HttpRegistry:
    """A `steno.contracts.registry.RegistryStore`; see there for what each method promises.

    An MLflow server keeps no trail: `registry_events` raises StoreError, and `user` is whom the server takes us for.

    Args:
        uri: `http://host:5000`, perhaps with a path, perhaps with `user:password@`.
    """

    def __init__(self, uri: str) -> None:
        self.uri = address.hidden(uri)
        self._server = server_at(uri)
        self._server.transport.is_chosen = True
        self._lineage = Lineage(self._server)

    # -- registered models -----------------------------------------------------------------------------------

    def create_registered_model(
        self, name: str, *, tags: Mapping[str, str] | None = None, description: str = "", user: str = ""
    ) -> RegisteredModel:
        asked = m.CreateModel(name=name, tags=outward.pairs(tags or {}), description=description or None)
        with _told(name):
            return self._model(self._server.call(calls.CREATE_MODEL, asked).registered_model)

    def get_registered_model(self, name: str) -> RegisteredModel:
        with _told(name):
            return self._model(self._server.call(calls.GET_MODEL, m.ModelName(name=name)).registered_model)

    def search_registered_models(self, query: RegistryQuery) -> Page[RegisteredModel]:
        place, left = Place(query), page_size(query.max_results, MAX_REGISTRY_RESULTS)
        found: list[RegisteredModel] = []
        token = place.token
        while True:
            page = self._server.call(calls.SEARCH_MODELS, self._asked(query, min(left, _MODELS_AT_ONCE), token))
            found += map(self._model, page.registered_models or ())
            left, token = query.max_results - len(found), page.next_page_token
            if left <= 0 or not token:
                return Page(found, place.next(token))

    def rename_registered_model(self, name: str, new_name: str, *, user: str = "") -> RegisteredModel:
        if new_name == name:
            return self.get_registered_model(name)
        with _told(name, taken=new_name):
            asked = m.RenameModel(name=name, new_name=new_name)
            return self._model(self._server.call(calls.RENAME_MODEL, asked).registered_model)

    def describe_registered_model(self, name: str, description: str, *, user: str = "") -> RegisteredModel:
        with _told(name):
            asked = m.DescribeModel(name=name, description=description)
            return self._model(self._server.call(calls.DESCRIBE_MODEL, asked).registered_model)

    def delete_registered_model(self, name: str, *, user: str = "") -> None:
        with _told(name):
            self._server.call(calls.DELETE_MODEL, m.ModelName(name=name))

    def set_registered_model_tags(self, name: str, tags: Mapping[str, str], *, user: str = "") -> None:
        with _told(name):
            for key, value in tags.items():
                self._server.call(calls.SET_MODEL_TAG, m.ModelTag(name=name, key=key, value=value))

    def delete_registered_model_tag(self, name: str, key: str, *, user: str = "") -> None:
        with _told(name):
            self._server.call(calls.DELETE_MODEL_TAG, m.ModelTagKey(name=name, key=key))

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
        there = self._lineage.outward(source, location, run_id, model_id)
        asked = m.CreateVersion(
            name=name,
            source=there.source,
            run_id=there.run_id or None,
            tags=outward.pairs({**(tags or {}), **there.tags}),
            run_link=run_link or None,
            description=description or None,
            model_id=there.model_id or None,
        )
        with _told(name):
            return self._version(self._server.call(calls.CREATE_VERSION, asked).model_version)

    def get_model_version(self, name: str, version: str) -> ModelVersion:
        with _told(name, version):
            asked = m.VersionId(name=name, version=_number(version))
            return self._version(self._server.call(calls.GET_VERSION, asked).model_version)

    def get_model_version_by_alias(self, name: str, alias: str) -> ModelVersion:
        self.get_registered_model(name)  # the wire has one answer for a model and for an alias that is not there
        asked = m.ModelAlias(name=name, alias=alias)
        try:
            return self._version(self._server.call(calls.GET_BY_ALIAS, asked).model_version)
        except InvalidValue as error:
            raise InvalidValue(f"the registered model {name!r} has no alias {alias!r}") from error

    def search_model_versions(self, query: RegistryQuery) -> Page[ModelVersion]:
        place, size = Place(query), page_size(query.max_results, MAX_REGISTRY_RESULTS)
        page = self._server.call(calls.SEARCH_VERSIONS, self._asked(query, size, place.token))
        return Page(map(self._version, page.model_versions or ()), place.next(page.next_page_token))

    def get_latest_versions(self, name: str, stages: Sequence[str] | None = None) -> list[ModelVersion]:
        with _told(name):
            asked = m.LatestVersions(name=name, stages=list(stages or ()) or None)
            found = self._server.call(calls.GET_LATEST_VERSIONS, asked).model_versions or ()
            return _in_order(map(self._version, found))

    def describe_model_version(self, name: str, version: str, description: str, *, user: str = "") -> ModelVersion:
        with _told(name, version):
            asked = m.DescribeVersion(name=name, version=_number(version), description=description)
            return self._version(self._server.call(calls.DESCRIBE_VERSION, asked).model_version)

    def delete_model_version(self, name: str, version: str, *, user: str = "") -> None:
        with _told(name, version):
            self._server.call(calls.DELETE_VERSION, m.VersionId(name=name, version=_number(version)))

    def set_model_version_tags(self, name: str, version: str, tags: Mapping[str, str], *, user: str = "") -> None:
        with _told(name, version):
            for key, value in tags.items():
                asked = m.VersionTag(name=name, version=_number(version), key=key, value=value)
                self._server.call(calls.SET_VERSION_TAG, asked)

    def delete_model_version_tag(self, name: str, version: str, key: str, *, user: str = "") -> None:
        with _told(name, version):
            asked = m.VersionTagKey(name=name, version=_number(version), key=key)
            self._server.call(calls.DELETE_VERSION_TAG, asked)

    def transition_model_version_stage(
        self, name: str, version: str, stage: str, *, archive_existing_versions: bool = False, user: str = ""
    ) -> ModelVersion:
        archive = archive_existing_versions and stage in _ARCHIVING  # the wire fails where there is nothing to do
        with _told(name, version):
            asked = m.TransitionStage(
                name=name, version=_number(version), stage=stage, archive_existing_versions=archive
            )
            return self._version(self._server.call(calls.TRANSITION_STAGE, asked).model_version)

    def set_registered_model_alias(self, name: str, alias: str, version: str, *, user: str = "") -> None:
        with _told(name, version):
            self._server.call(calls.SET_ALIAS, m.SetAlias(name=name, alias=alias, version=_number(version)))

    def delete_registered_model_alias(self, name: str, alias: str, *, user: str = "") -> None:
        with _told(name):
            self._server.call(calls.DELETE_ALIAS, m.ModelAlias(name=name, alias=alias))

    # -- the trail -------------------------------------------------------------------------------------------

    def registry_events(
        self, name: str | None = None, *, until_ms: int | None = None, after: int = 0, limit: int = 1000
    ) -> list[RegistryEvent]:
        raise StoreError(f"{self.uri} keeps no trail of what was changed: only how its models stand now can be told")

    def close(self) -> None:
        self._server.transport.close()

    # -- what the wire shows ---------------------------------------------------------------------------------

    def _asked(self, query: RegistryQuery, size: int, token: str | None) -> m.SearchRegistry:
        whole = self._server.is_steno()
        where = filter_text(query.where, self._server.run_ids, whole_language=whole)
        order = order_texts(query.order_by, whole_language=whole)
        return m.SearchRegistry(filter=where, max_results=size, order_by=order, page_token=token)

    def _version(self, shown: entities.ModelVersion) -> ModelVersion:
        return self._lineage.inward(inward.model_version(shown))

    def _model(self, shown: entities.RegisteredModel) -> RegisteredModel:
        found = inward.registered_model(shown)
        versions = _in_order(map(self._lineage.inward, found.latest_versions))
        return replace(found, latest_versions=[_with_aliases(each, found.aliases) for each in versions])


@contextmanager
def _told(name: str, version: str | None = None, *, taken: str = "") -> Iterator[None]:
    """Let an error say what was looked for, or which name is taken."""
    try:
        yield
    except NotFound as error:
        what = "" if version is None else f", or it has no version {version!r}"
        raise NotFound(f"there is no registered model {name!r}{what} ({error.message})") from error
    except AlreadyExists as error:
        raise AlreadyExists(f"there is a registered model {taken or name!r} already ({error.message})") from error


def _with_aliases(version: ModelVersion, aliases: Mapping[str, str]) -> ModelVersion:
    """Return a version as it stands in a model, where the wire leaves out its aliases."""
    return replace(version, aliases=sorted(alias for alias, number in aliases.items() if number == version.version))


def _number(version: str) -> str:
    """Return a version that could be one. Raises: NotFound."""
    if not _VERSION.fullmatch(version):
        raise NotFound(f"{version!r} is no version: versions are 1, 2, 3, ...")
    return version


def _in_order(versions: Iterator[ModelVersion]) -> list[ModelVersion]:
    stages = [stage.value for stage in Stage]
    return sorted(versions, key=lambda version: stages.index(version.current_stage))
