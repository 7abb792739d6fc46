"""The calls about logged models."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace
from steno.errors import InvalidValue
from steno.model_records import LoggedModel, LoggedModelStatus
from steno.wire import entities, inward, outward
from steno.wire import messages as m
from steno.wire import model_messages as mm

from steno_server import asking
from steno_server.service import Service


def create(service: Service, ask: mm.CreateLoggedModel) -> mm.LoggedModelAnswer:
    """Create a model, PENDING."""
    made = service.client.create_logged_model(
        ask.experiment_id,
        ask.name,
        ask.source_run_id or None,
        asking.texts(ask.tags),
        _distinct(ask.params),
        ask.model_type,
    )
    return mm.LoggedModelAnswer(model=_shown(service, made))


def get(service: Service, ask: mm.LoggedModelId) -> mm.LoggedModelAnswer:
    """Return a model, a deleted one only if that is asked for."""
    read = service.store.get_logged_model if ask.allow_deleted else service.client.get_logged_model
    return mm.LoggedModelAnswer(model=_shown(service, read(ask.model_id)))


def finalize(service: Service, ask: mm.FinalizeLoggedModel) -> mm.LoggedModelAnswer:
    """Set a model's status."""
    status = inward.logged_model_status(ask.status)
    if status == LoggedModelStatus.UNSPECIFIED:
        raise InvalidValue(f"invalid value for parameter 'status': {ask.status!r} is no status of a logged model")
    return mm.LoggedModelAnswer(model=_shown(service, service.client.finalize_logged_model(ask.model_id, status)))


def delete(service: Service, ask: mm.LoggedModelId) -> m.Nothing:
    """Mark a model deleted."""
    service.client.delete_logged_model(ask.model_id)
    return m.Nothing()


def search(service: Service, ask: mm.SearchLoggedModels) -> mm.LoggedModelsAnswer:
    """Return one page of models."""
    page = service.client.search_logged_models(
        ask.experiment_ids or (),
        ask.filter,
        msgspec.to_builtins(ask.datasets or ()),
        ask.max_results,
        msgspec.to_builtins(ask.order_by or ()),
        ask.page_token or None,
    )
    return mm.LoggedModelsAnswer(models=[_shown(service, each) for each in page] or None, next_page_token=page.token)


def set_tags(service: Service, ask: mm.LoggedModelTags) -> m.Nothing:
    """Set tags."""
    service.client.set_logged_model_tags(ask.model_id, asking.texts(ask.tags))
    return m.Nothing()


def delete_tag(service: Service, ask: mm.LoggedModelTagKey) -> m.Nothing:
    """Remove a tag. Raises: NotFound if it is not there."""
    service.client.delete_logged_model_tag(ask.model_id, ask.key)
    return m.Nothing()


def log_params(service: Service, ask: mm.LoggedModelParams) -> m.Nothing:
    """Add params, all or none."""
    service.client.log_model_params(ask.model_id, _distinct(ask.params))
    return m.Nothing()


def list_files(service: Service, ask: mm.LoggedModelFolder) -> m.FilesAnswer:
    """List a folder among a model's files; nothing for what is no folder."""
    uri = service.client.get_logged_model(ask.model_id).artifact_location
    return service.artifacts.listed(uri, ask.artifact_directory_path or "")


def _distinct(given: list[entities.Pair] | None) -> dict[str, str]:
    found = asking.texts(given)
    if len(found) != len(given or ()):
        raise InvalidValue("a param of a logged model is given twice")
    return found


def _shown(service: Service, model: LoggedModel) -> entities.LoggedModel:
    return outward.logged_model(replace(model, artifact_location=service.artifacts.shown(model.artifact_location)))
