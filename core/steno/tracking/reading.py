"""Reads that see this process's own writes, and those of processes that are gone."""

from __future__ import annotations

from steno.errors import NotFound
from steno.queries import RunQuery
from steno.records import Page, Run
from steno.tracking import followers, limits, places, recovery
from steno.tracking.writer import writer


def settle(store_uri: str, run_id: str | None = None) -> None:
    """Carry a run's journals (or all of a store's) to the store: this process's, and those left by others."""
    followers.settle(run_id)
    writer.flush(run_id)
    recovery.replay(places.journal_folder(store_uri), run_id=run_id)


def get_run(store_uri: str, run_id: str) -> Run:
    """Return a run as it stands now. Raises: NotFound, InvalidValue for what is no run id."""
    settle(store_uri, limits.run_id(run_id))
    store = places.run_store(store_uri)
    try:
        return store.get_run(run_id)
    except NotFound:
        settle(store_uri)  # a child lies in the journal of its parent
        return store.get_run(run_id)


def search_runs(store_uri: str, query: RunQuery) -> Page[Run]:
    """Return one page of runs as they stand now."""
    settle(store_uri)
    return places.run_store(store_uri).search_runs(query)
