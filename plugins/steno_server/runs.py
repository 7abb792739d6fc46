"""The calls about runs as a whole: created, changed, found, deleted."""

from __future__ import annotations

from steno.errors import InvalidValue
from steno.queries import RunQuery
from steno.records import Batch, LifecycleStage, Run, RunChange, RunStart, RunStatus, Tags
from steno.tracking import limits
from steno.tracking.journal import new_id
from steno.tracking.names import random_name
from steno.tracking.search import parse_runs
from steno.wire import entities, outward
from steno.wire import messages as m

from steno_server import asking
from steno_server.service import Service

DEFAULT_PAGE = 1000


def create(service: Service, ask: m.CreateRun) -> m.RunAnswer:
    """Create a run. What is answered is what was written; the store is not asked again."""
    if not ask.experiment_id:
        raise InvalidValue("missing value for required parameter 'experiment_id'")
    tags = asking.run_tags(ask.tags)
    name = ask.run_name or tags.get(Tags.RUN_NAME) or random_name()
    if tags.setdefault(Tags.RUN_NAME, name) != name:
        raise InvalidValue(f"run_name {name!r} and the tag {Tags.RUN_NAME}={tags[Tags.RUN_NAME]!r} differ: give one")
    start_time = asking.now_ms() if ask.start_time is None else limits.time_ms(ask.start_time)
    user = ask.user_id or tags.get(Tags.USER, "unknown")
    run_id = new_id()
    service.store.write(run_id, Batch(start=RunStart(ask.experiment_id, name, start_time, user, tags)))
    service.repeats.began(run_id)
    info = entities.RunInfo(
        run_id=run_id,
        run_uuid=run_id,
        run_name=name,
        experiment_id=ask.experiment_id,
        user_id=user,
        status=RunStatus.RUNNING,
        start_time=start_time,
        artifact_uri=service.place_of_run(ask.experiment_id, run_id),
        lifecycle_stage=LifecycleStage.ACTIVE,
    )
    data = entities.RunData(tags=outward.pairs(tags))
    return m.RunAnswer(run=entities.Run(info, data, entities.RunInputs()))


def get(service: Service, ask: m.OfRun) -> m.RunAnswer:
    """Return a run, deleted ones too."""
    return m.RunAnswer(run=_shown(service, service.store.get_run(asking.run_id(ask))))


def update(service: Service, ask: m.UpdateRun) -> m.RunInfoAnswer:
    """Change what is given of the head of a run."""
    run_id = asking.run_id(ask)
    end_time = None if ask.end_time is None else limits.time_ms(ask.end_time)
    tags = limits.run_tags({Tags.RUN_NAME: ask.run_name}) if ask.run_name else {}
    change = RunChange(asking.status(ask.status), end_time, tags.get(Tags.RUN_NAME))
    service.store.write(run_id, Batch(change=change))
    return m.RunInfoAnswer(run_info=_shown(service, service.store.get_run(run_id)).info)


def delete(service: Service, ask: m.OfRun) -> m.Nothing:
    """Mark a run deleted; again is no error."""
    service.store.delete_run(asking.run_id(ask))
    return m.Nothing()


def restore(service: Service, ask: m.OfRun) -> m.Nothing:
    """Bring a run back; again is no error."""
    service.store.restore_run(asking.run_id(ask))
    return m.Nothing()


def search(service: Service, ask: m.SearchRuns) -> m.RunsAnswer:
    """Return one page of runs."""
    where, order = parse_runs(ask.filter, ask.order_by or ())
    size = limits.page_size(DEFAULT_PAGE if ask.max_results is None else ask.max_results)
    if not ask.experiment_ids:
        return m.RunsAnswer()
    view = asking.view(ask.run_view_type)
    query = RunQuery(tuple(ask.experiment_ids), where, order, view, size, ask.page_token or None)
    page = service.store.search_runs(query)
    return m.RunsAnswer(runs=[_shown(service, run) for run in page] or None, next_page_token=page.token)


def _shown(service: Service, run: Run) -> entities.Run:
    shown = outward.run(run)
    shown.info.artifact_uri = service.artifacts.shown(run.info.artifact_uri)
    return shown
