"""The calls about versions of registered models."""

from __future__ import annotations

from steno.errors import InvalidValue
from steno.tracking.model_versions import MOST_VERSIONS
from steno.wire import messages as m
from steno.wire import model_messages as mm

from steno_server import asking
from steno_server.models import version_shown
from steno_server.service import Service


def create(service: Service, ask: mm.CreateVersion) -> mm.VersionAnswer:
    """Create the next version of a model."""
    source = _source(service, ask.source, ask.run_id or "")
    made = service.client.create_model_version(
        ask.name,
        source,
        ask.run_id,
        asking.texts(ask.tags),
        ask.run_link,
        ask.description,
        model_id=ask.model_id,
    )
    return mm.VersionAnswer(model_version=version_shown(service, made))


def get(service: Service, ask: mm.VersionId) -> mm.VersionAnswer:
    """Return a version."""
    return mm.VersionAnswer(
        model_version=version_shown(service, service.client.get_model_version(ask.name, ask.version))
    )


def search(service: Service, ask: mm.SearchRegistry) -> mm.VersionsAnswer:
    """Return one page of versions."""
    size = MOST_VERSIONS if ask.max_results is None else ask.max_results
    page = service.client.search_model_versions(ask.filter, size, ask.order_by, ask.page_token or None)
    shown = [version_shown(service, each) for each in page]
    return mm.VersionsAnswer(model_versions=shown or None, next_page_token=page.token)


def describe(service: Service, ask: mm.DescribeVersion) -> mm.VersionAnswer:
    """Describe a version; without a description the old one is cleared."""
    described = service.client.update_model_version(ask.name, ask.version, ask.description or "")
    return mm.VersionAnswer(model_version=version_shown(service, described))


def transition(service: Service, ask: mm.TransitionStage) -> mm.VersionAnswer:
    """Move a version to a stage."""
    moved = service.client.transition_model_version_stage(
        ask.name, ask.version, ask.stage, archive_existing_versions=bool(ask.archive_existing_versions)
    )
    return mm.VersionAnswer(model_version=version_shown(service, moved))


def delete(service: Service, ask: mm.VersionId) -> m.Nothing:
    """Remove a version."""
    service.client.delete_model_version(ask.name, ask.version)
    return m.Nothing()


def get_download_uri(service: Service, ask: mm.VersionId) -> mm.DownloadUriAnswer:
    """Return where a version's files are."""
    uri = service.client.get_model_version_download_uri(ask.name, ask.version)
    return mm.DownloadUriAnswer(artifact_uri=service.artifacts.shown(uri))


def set_tag(service: Service, ask: mm.VersionTag) -> m.Nothing:
    """Set a tag."""
    service.client.set_model_version_tag(ask.name, ask.version, ask.key, ask.value or "")
    return m.Nothing()


def delete_tag(service: Service, ask: mm.VersionTagKey) -> m.Nothing:
    """Remove a tag; one that is not there is no error."""
    service.client.delete_model_version_tag(ask.name, ask.version, ask.key)
    return m.Nothing()


def _source(service: Service, given: str, run_id: str) -> str:
    """Return a source that a client may register: a path or a `file:` URI only if it lies in the run it names.

    Raises:
        InvalidValue: It names others; the server would hand them to whoever asks for the version.
    """
    source = service.artifacts.stored(given)
    if "://" in source or source.startswith(("runs:", "models:")):
        return source
    run = service.client.get_run(run_id) if run_id else None
    if run is None or not f"{source.rstrip('/')}/".startswith(f"{run.info.artifact_uri.rstrip('/')}/"):
        raise InvalidValue(
            f"the source {given!r} lies on the server's machine and not among the artifacts of run_id "
            f"{run_id or '(none given)'}: log the model to a run, and register runs:/<run id>/<path>"
        )
    return source
