"""The calls about experiments."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from msgspec.structs import replace
from steno.errors import InvalidValue, NotFound
from steno.queries import Compare, Entity, ExperimentQuery, Field, RunQuery
from steno.records import Experiment, Tags
from steno.tracking import limits
from steno.tracking.search import parse_experiments
from steno.wire import entities, outward
from steno.wire import messages as m

from steno_server import asking
from steno_server.service import Service

LOCATION_LENGTH = 2048
MOST_SEARCHED = 20
MOST_DATASETS = 1000
PAGE = 1000


def create(service: Service, ask: m.CreateExperiment) -> m.ExperimentId:
    """Create an experiment."""
    location = _location(service, ask.artifact_location)
    made = service.store.create_experiment(
        limits.experiment_name(ask.name),
        artifact_location=location,
        tags=limits.experiment_tags(asking.texts(ask.tags)),
    )
    return m.ExperimentId(experiment_id=made.experiment_id)


def get(service: Service, ask: m.ExperimentId) -> m.ExperimentAnswer:
    """Return an experiment."""
    return m.ExperimentAnswer(experiment=_shown(service, service.store.get_experiment(ask.experiment_id)))


def get_by_name(service: Service, ask: m.ExperimentName) -> m.ExperimentAnswer:
    """Return an experiment, deleted ones too."""
    found = service.store.get_experiment_by_name(ask.experiment_name)
    if found is None:
        raise NotFound(f"there is no experiment named {ask.experiment_name!r}")
    return m.ExperimentAnswer(experiment=_shown(service, found))


def search(service: Service, ask: m.SearchExperiments) -> m.ExperimentsAnswer:
    """Return one page of experiments."""
    where, order = parse_experiments(ask.filter, ask.order_by or ())
    size = limits.page_size(ask.max_results or 0)
    query = ExperimentQuery(where, order, asking.view(ask.view_type), size, ask.page_token or None)
    page = service.store.search_experiments(query)
    shown = [_shown(service, each) for each in page]
    return m.ExperimentsAnswer(experiments=shown or None, next_page_token=page.token)


def rename(service: Service, ask: m.UpdateExperiment) -> m.Nothing:
    """Rename an experiment."""
    service.store.rename_experiment(ask.experiment_id, limits.experiment_name(ask.new_name))
    return m.Nothing()


def delete(service: Service, ask: m.ExperimentId) -> m.Nothing:
    """Mark an experiment and its runs deleted."""
    service.store.delete_experiment(ask.experiment_id)
    return m.Nothing()


def restore(service: Service, ask: m.ExperimentId) -> m.Nothing:
    """Bring an experiment and its runs back."""
    service.store.restore_experiment(ask.experiment_id)
    return m.Nothing()


def set_tag(service: Service, ask: m.ExperimentTag) -> m.Nothing:
    """Set a tag."""
    service.store.set_experiment_tags(ask.experiment_id, limits.experiment_tags({ask.key: ask.value or ""}))
    return m.Nothing()


def delete_tag(service: Service, ask: m.ExperimentTagKey) -> m.Nothing:
    """Remove a tag."""
    service.store.delete_experiment_tag(ask.experiment_id, ask.key)
    return m.Nothing()


def search_datasets(service: Service, ask: m.SearchDatasets) -> m.DatasetsAnswer:
    """Return which datasets the runs of experiments used, at most `MOST_DATASETS`."""
    ids = tuple(ask.experiment_ids or ())
    if not 1 <= len(ids) <= MOST_SEARCHED:
        raise InvalidValue(f"experiment_ids names 1 to {MOST_SEARCHED} experiments, not {len(ids)}")
    used = Compare(Field(Entity.DATASET, "name"), "LIKE", "%")
    found: dict[tuple[str, str, str, str | None], None] = {}
    token: str | None = None
    while True:
        page = service.store.search_runs(RunQuery(ids, used, max_results=PAGE, page_token=token))
        for run in page:
            for each in run.inputs.dataset_inputs:
                context = next((tag.value for tag in each.tags if tag.key == Tags.DATASET_CONTEXT), None)
                found[run.info.experiment_id, each.dataset.name, each.dataset.digest, context] = None
        token = page.token
        if token is None or len(found) >= MOST_DATASETS:
            break
    summaries = [entities.DatasetSummary(*key) for key in list(found)[:MOST_DATASETS]]
    return m.DatasetsAnswer(dataset_summaries=summaries or None)


def _shown(service: Service, experiment: Experiment) -> entities.Experiment:
    location = service.artifacts.shown(experiment.artifact_location)
    return outward.experiment(replace(experiment, artifact_location=location))


def _location(service: Service, given: str | None) -> str | None:
    """Return an artifact location that may be recorded. Raises: InvalidValue."""
    if not given:
        return service.artifacts.new_location()
    if len(given) > LOCATION_LENGTH:
        raise InvalidValue(f"an artifact location has at most {LOCATION_LENGTH} characters; this has {len(given)}")
    try:
        parts = urlsplit(given)
    except ValueError as error:
        raise InvalidValue(f"the artifact location {given!r} is no URI: {error}") from error
    plain = unquote(given)
    if parts.scheme == "runs" or parts.fragment or ";" in parts.path or ".." in plain or not plain.isprintable():
        raise InvalidValue(
            f"the artifact location {given!r} cannot be: a folder or URI without '..', '#', ';' and runs:/ can"
        )
    return service.artifacts.stored(given)
