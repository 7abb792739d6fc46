"""What `steno gc` does with logged models: the deleted ones go, and those of runs that go; registered ones stay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from steno.errors import InvalidValue, UnknownScheme

if TYPE_CHECKING:
    from steno.cli.session import Session


def purge_models(session: Session, cutoff_ms: int, runs: Sequence[str]) -> list[tuple[str, str]]:
    """Remove for good the models deleted before then and those that the runs made, but for registered ones.

    Returns (model id, artifact location) of each.
    """
    return session.store.purge_logged_models(cutoff_ms, of_runs=runs, keep=_registered(session))


def _registered(session: Session) -> set[str]:
    from steno.queries import MAX_REGISTRY_RESULTS, RegistryQuery

    try:
        store = session.client.registry
    except (UnknownScheme, InvalidValue):  # nothing keeps registered models with these runs
        return set()
    found: set[str] = set()
    token: str | None = None
    while True:
        page = store.search_model_versions(RegistryQuery(max_results=MAX_REGISTRY_RESULTS, page_token=token))
        found.update(each.model_id for each in page if each.model_id)
        token = page.token
        if token is None:
            return found
