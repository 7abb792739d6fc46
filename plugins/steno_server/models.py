"""The calls about registered models and aliases."""

from __future__ import annotations

from msgspec.structs import replace
from steno.model_records import ModelVersion, RegisteredModel
from steno.wire import entities, outward
from steno.wire import messages as m
from steno.wire import model_messages as mm

from steno_server import asking
from steno_server.service import Service

DEFAULT_PAGE = 100


def create(service: Service, ask: mm.CreateModel) -> mm.ModelAnswer:
    """Create a model without versions."""
    made = service.client.create_registered_model(ask.name, asking.texts(ask.tags), ask.description)
    return mm.ModelAnswer(registered_model=_shown(service, made))


def get(service: Service, ask: mm.ModelName) -> mm.ModelAnswer:
    """Return a model."""
    return mm.ModelAnswer(registered_model=_shown(service, service.client.get_registered_model(ask.name)))


def search(service: Service, ask: mm.SearchRegistry) -> mm.ModelsAnswer:
    """Return one page of models."""
    size = DEFAULT_PAGE if ask.max_results is None else ask.max_results
    page = service.client.search_registered_models(ask.filter, size, ask.order_by, ask.page_token or None)
    shown = [_shown(service, each) for each in page]
    return mm.ModelsAnswer(registered_models=shown or None, next_page_token=page.token)


def rename(service: Service, ask: mm.RenameModel) -> mm.ModelAnswer:
    """Rename a model."""
    renamed = service.client.rename_registered_model(ask.name, ask.new_name)
    return mm.ModelAnswer(registered_model=_shown(service, renamed))


def describe(service: Service, ask: mm.DescribeModel) -> mm.ModelAnswer:
    """Describe a model; without a description the old one is cleared."""
    described = service.client.update_registered_model(ask.name, ask.description)
    return mm.ModelAnswer(registered_model=_shown(service, described))


def delete(service: Service, ask: mm.ModelName) -> m.Nothing:
    """Remove a model and its versions."""
    service.client.delete_registered_model(ask.name)
    return m.Nothing()


def set_tag(service: Service, ask: mm.ModelTag) -> m.Nothing:
    """Set a tag."""
    service.client.set_registered_model_tag(ask.name, ask.key, ask.value or "")
    return m.Nothing()


def delete_tag(service: Service, ask: mm.ModelTagKey) -> m.Nothing:
    """Remove a tag; one that is not there is no error."""
    service.client.delete_registered_model_tag(ask.name, ask.key)
    return m.Nothing()


def set_alias(service: Service, ask: mm.SetAlias) -> m.Nothing:
    """Let an alias stand for a version."""
    service.client.set_registered_model_alias(ask.name, ask.alias, ask.version)
    return m.Nothing()


def delete_alias(service: Service, ask: mm.ModelAlias) -> m.Nothing:
    """Remove an alias; one that is not there is no error."""
    service.client.delete_registered_model_alias(ask.name, ask.alias)
    return m.Nothing()


def get_by_alias(service: Service, ask: mm.ModelAlias) -> mm.VersionAnswer:
    """Return the version that an alias stands for."""
    found = service.client.get_model_version_by_alias(ask.name, ask.alias)
    return mm.VersionAnswer(model_version=version_shown(service, found))


def get_latest_versions(service: Service, ask: mm.LatestVersions) -> mm.VersionsAnswer:
    """Return the highest version of each stage that is asked for, or of every stage."""
    found = service.client.get_latest_versions(ask.name, ask.stages)
    return mm.VersionsAnswer(model_versions=[version_shown(service, each) for each in found] or None)


def version_shown(service: Service, version: ModelVersion) -> entities.ModelVersion:
    """Return a version as clients see it."""
    return outward.model_version(replace(version, source=service.artifacts.shown(version.source)))


def _shown(service: Service, model: RegisteredModel) -> entities.RegisteredModel:
    shown = outward.registered_model(model)
    for version in shown.latest_versions or ():
        version.source = service.artifacts.shown(version.source or "")
    return shown
