"""From what a user types to the runs and experiments that are meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from steno.errors import InvalidValue, NotFound

if TYPE_CHECKING:
    from steno.cli.session import Session
    from steno.queries import Condition, ExperimentQuery, RunQuery
    from steno.records import Experiment, Page, Run

    Query = TypeVar("Query", RunQuery, ExperimentQuery)
T = TypeVar("T")

VIEWS = {"active": "ACTIVE_ONLY", "deleted": "DELETED_ONLY", "all": "ALL"}
PAGE = 1000

_FRAGMENT = re.compile(r"[0-9A-Za-z-]+")  # neither _ nor %, which LIKE reads as wildcards


def search_runs(
    session: Session,
    filter_string: str | None = None,
    order_by: Sequence[str] = (),
    *,
    experiments: Sequence[str] = (),
    view: str = "active",
    limit: int | None = None,
) -> Iterator[Run]:
    """Yield runs, newest first unless ordered otherwise; all of them for a `limit` of None.

    Raises:
        FilterError: The filter or order does not parse.
        NotFound: No such experiment.
    """
    from steno.queries import RunQuery, ViewType
    from steno.tracking.search import parse_runs

    where, keys = parse_runs(filter_string, order_by)
    ids = tuple(find_experiment(session, name).experiment_id for name in experiments) or None
    query = RunQuery(ids, where, keys, ViewType(VIEWS[view]))
    return _paged(session.store.search_runs, query, limit)


def list_experiments(session: Session, view: str = "all", limit: int | None = None) -> Iterator[Experiment]:
    """Yield experiments, newest first; all of them for a `limit` of None."""
    from steno.queries import ExperimentQuery, ViewType

    query = ExperimentQuery(view=ViewType(VIEWS[view]))
    return _paged(session.store.search_experiments, query, limit)


def experiment_names(session: Session) -> dict[str, str]:
    """The names of all experiments by id, deleted ones too."""
    return {experiment.experiment_id: experiment.name for experiment in list_experiments(session)}


def find_run(session: Session, text: str) -> Run:
    """Return the run of that id, unique start or end of an id, or unique name; deleted ones too.

    Raises:
        NotFound: None is.
        InvalidValue: Several are; lists them.
    """
    from steno.queries import RunQuery, ViewType

    store = session.store
    try:
        return store.get_run(text)
    except NotFound:
        found = store.search_runs(RunQuery(None, _id_or_name(text), view=ViewType.ALL, max_results=6))
    if not found:
        raise NotFound(f"no run has the id or name {text!r}; `steno runs list` shows what is there")
    if len(found) > 1:
        shown = ", ".join(f"{run.info.run_id} ({run.info.run_name})" for run in found[:5])
        raise InvalidValue(f"{text!r} may mean several runs: {shown}{', ...' if len(found) > 5 else ''}")
    return found[0]


def newest_run(session: Session) -> Run:
    """Return the run that began last. Raises: NotFound if there is none."""
    for run in search_runs(session, limit=1):
        return run
    raise NotFound(f"there is no run in {session.uri} yet")


def find_experiment(session: Session, text: str) -> Experiment:
    """Return the experiment of that id or name, deleted ones too. Raises: NotFound."""
    store = session.store
    try:
        return store.get_experiment(text)
    except NotFound:
        found = store.get_experiment_by_name(text)
    if found is None:
        raise NotFound(f"no experiment has the id or name {text!r}; `steno experiments list` shows what is there")
    return found


def _paged(search: Callable[[Query], Page[T]], query: Query, limit: int | None) -> Iterator[T]:
    from msgspec.structs import replace

    left = float("inf") if limit is None else limit
    token: str | None = None
    while left > 0:
        page = search(replace(query, max_results=int(min(left, PAGE)), page_token=token))
        yield from page
        left -= len(page)
        token = page.token
        if token is None:
            return


def _id_or_name(text: str) -> Condition:
    from steno.queries import Compare, Entity, Field, Or

    run_id, name = Field(Entity.ATTRIBUTE, "run_id"), Field(Entity.ATTRIBUTE, "run_name")
    named = Compare(name, "=", text)
    if not _FRAGMENT.fullmatch(text):
        return named
    return Or((named, Compare(run_id, "LIKE", f"{text}%"), Compare(run_id, "LIKE", f"%{text}")))
